package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/countersignhq/countersign/console"
)

// An asset is one file that pages load.
type asset struct {
	name string
	body []byte
	gzip []byte // nil if it would be hardly smaller
	etag string
}

// assets are the files of this package and of the console by their addresses.
// They lie in one folder, as a style sheet's fonts are beside it.
func assets() (map[string]asset, error) {
	all := map[string]asset{}
	for _, from := range []struct {
		files fs.FS
		dir   string
	}{{files, "static"}, {console.Dist, "dist"}} {
		err := fs.WalkDir(from.files, from.dir, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			a, err := newAsset(from.files, name)
			all["/static/"+strings.TrimPrefix(name, from.dir+"/")] = a
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("the pages' own files: %w", err)
		}
	}
	return all, nil
}

// sprite is the console's icons as they stand in each page: a page that has been
// loaded needs no network to draw them.
func sprite() (template.HTML, error) {
	drawn, err := fs.ReadFile(console.Dist, "dist/icons.svg")
	if err != nil {
		return "", err
	}
	return template.HTML(strings.Replace(string(drawn), "<svg ", `<svg class="defs" aria-hidden="true" `, 1)), nil
}

func newAsset(files fs.FS, name string) (asset, error) {
	body, err := fs.ReadFile(files, name)
	if err != nil {
		return asset{}, err
	}
	sum := sha256.Sum256(body)
	a := asset{name: path.Base(name), body: body, etag: hex.EncodeToString(sum[:8])}
	small, err := zipped(body)
	if err == nil && len(small) < len(body)*9/10 {
		a.gzip = small
	}
	return a, err
}

func zipped(body []byte) ([]byte, error) {
	var small bytes.Buffer
	w := gzip.NewWriter(&small)
	if _, err := w.Write(body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return small.Bytes(), nil
}

func takesGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

// file serves an asset. Its name never changes, so browsers ask by its tag
// whether what they have is still it.
func (w *Web) file(rw http.ResponseWriter, r *http.Request) {
	a, ok := w.static[r.URL.Path]
	if !ok {
		w.fail(rw, r, noPage())
		return
	}
	h, body, tag := rw.Header(), a.body, a.etag
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	if a.gzip != nil && takesGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body, tag = a.gzip, a.etag+"-gzip"
	}
	h.Set("Etag", `"`+tag+`"`)
	http.ServeContent(rw, r, a.name, time.Time{}, bytes.NewReader(body))
}
