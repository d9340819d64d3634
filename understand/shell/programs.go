package shell

import (
	"path"
	"slices"
	"strings"
)

// A class is what a program does, whatever its arguments.
type class struct {
	programs map[string]bool
	finds    []string
}

// classes are programs that do not need a look at their arguments. It is never
// written to.
var classes = []class{
	{words(`rm rmdir shred dd mkfs wipefs truncate unlink fdisk sfdisk parted mkswap swapoff kill killall pkill shutdown reboot halt poweroff
		umount userdel groupdel dropdb dropuser`), []string{"sh.destructive"}},
	{words(`mv cp ln touch mkdir tee install chmod chown chgrp chattr setfacl patch split csplit unzip gunzip gzip bzip2 xz zip cpio rename mktemp
		mknod mkfifo logrotate`), []string{"sh.file-write"}},
	{words(`curl wget nc ncat netcat scp sftp ftp rsync telnet socat ping dig nslookup host traceroute aws gcloud gsutil az gh s3cmd rclone mail
		sendmail mutt openssl lynx w3m http https xh whois`), []string{"sh.network"}},
	{words(`at batch crontab systemd-run useradd usermod groupadd groupmod passwd chpasswd visudo setcap setuid chsh newgrp pkexec runuser doas
		update-alternatives adduser addgroup gpasswd`), []string{"sh.privilege", "sh.opaque"}},
	{words(`python python2 python3 perl ruby node nodejs deno bun php lua luajit tclsh wish osascript awk gawk mawk nawk Rscript java groovy
		scala ghc erl elixir irb ipython swift julia m4 bc dc`), []string{"sh.interpreter", "sh.opaque"}},
	{words(`. source alias make gmake cmake ninja terraform tofu ansible ansible-playbook npm npx yarn pnpm pip pip3 pipx uv uvx cargo go mvn
		gradle ant rake bundle gem composer docker-compose helm psql mysql mariadb sqlite3 mongo mongosh redis-cli gdb lldb strace ltrace screen tmux
		expect vim vi nvim view ex ed emacs nano pico less more man info top htop script parallel chroot nsenter unshare flock setpriv
		capsh ld.so ldd rg ag ack fd fdfind pv entr make-kpkg pulumi vagrant packer jenkins salt puppet chef-client enable`), []string{"sh.opaque"}},
	{words(`apt apt-get dpkg yum dnf rpm apk pacman brew snap flatpak systemctl service iptables nft ufw ip ifconfig mount sysctl modprobe insmod
		rmmod`), []string{"sh.unclassified"}},
}

// shells are programs that run a line. It is never written to.
var shells = words(`sh bash dash ash zsh ksh mksh fish csh tcsh rbash`)

// onlyNames are readers that do not look into the files. It is never written to.
var onlyNames = words("echo : ls du stat tree")

// program looks at a program with its arguments.
func (w *walker) program(args []word) {
	if len(args) == 0 || args[0].made == written && args[0].text == "" {
		w.runs("sh.unclassified", "a command without a name")
		return
	}
	if args[0].made != written {
		w.runs("sh.dynamic-command", args[0].text)
		w.opaque("a program whose name is made while it runs")
		return
	}
	name, rest := args[0].text, args[1:]
	if strings.Contains(name, "/") {
		if !slices.Contains([]string{"/bin", "/usr/bin", "/sbin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"}, path.Dir(name)) || path.Clean(name) != name {
			w.Touches(name, executes)
			w.opaque(name)
			return
		}
		name = path.Base(name)
	}
	for _, a := range rest {
		w.names(a)
	}
	w.enters, w.asksGit = w.enters || name == "cd", w.asksGit || name == "git"
	if w.reader(name, rest) {
		for _, a := range rest {
			if !onlyNames[name] {
				w.hides(a)
			}
		}
		w.Touches(name, reads)
		w.Does(reads)
		return
	}
	w.Touches(name, executes)
	w.Does(executes)
	for _, a := range rest {
		if a.made != written {
			w.find("sh.dynamic", "an argument of "+name)
			break
		}
	}
	if known := w.wrapper(name, rest) || w.classed(name, rest); !known {
		w.find("sh.unknown-command", name)
	}
}

// classed looks a program up that needs no look at its arguments.
func (w *walker) classed(name string, args []word) (known bool) {
	if strings.HasPrefix(name, "mkfs.") {
		name = "mkfs"
	}
	for _, c := range classes {
		if !c.programs[name] {
			continue
		}
		for _, id := range c.finds {
			w.find(id, name)
			if id == "sh.network" {
				for _, address := range addresses(name, args) {
					w.Export(address)
				}
			}
		}
		known = true
	}
	// What only reads in some ways, and did not here.
	_, sometimes := readers[name]
	if !known && sometimes {
		w.find("sh.unclassified", name)
		known = true
	}
	return known
}
