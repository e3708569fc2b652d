# The administrator's files replace the image's, as links into a volume, so changes of a ConfigMap arrive. If a link fails, PCP does not start.
for file in $PCP_FILES; do
	test -e "/var/lib/pcp-files$file" || echo "$file is missing: its ConfigMap or Secret does not exist, or does not have the key" >&2
	mkdir -p "${file%/*}"
	target=`readlink -f "$file"`
	ln -sfT "/var/lib/pcp-files$file" "$target"
done
