package sqlite

import (
	"fmt"

	"github.com/countersignhq/countersign/store/pack"
)

// A packedLeaf is a leaf as it was hashed. The database holds it packed: at many
// writers the bytes that the disk makes durable are what limits the record.
type packedLeaf []byte

// Scan implements sql.Scanner. NULL is nil.
func (l *packedLeaf) Scan(column any) error {
	switch b := column.(type) {
	case nil:
		*l = nil
		return nil
	case []byte:
		leaf, err := pack.Unpack(b)
		*l = leaf
		return err
	default:
		return fmt.Errorf("a leaf stands in the database as %T; it was changed: restore a backup", column)
	}
}
