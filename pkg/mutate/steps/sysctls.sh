# systemd would raise the node's fs.file-max and fs.nr_open, apply the image's sysctl.d and flush binfmt_misc. PCP starts only if it cannot.
mount -o bind,ro /proc/sys /proc/sys || test ! -w /proc/sys/fs/file-max
