// Package archive reads the archives of Performance Co-Pilot (PCP), which pmlogger writes: versions 2 and 3 of LOGARCHIVE(5), plain or
// compressed with xz, zstd or gzip. It needs no PCP and no other part of this module.
//
// [Open] reads a folder or one archive in it; several archives of one host are read as one. Archives come from any [fs.FS], so from
// os.DirFS, a zip file, or a web server with [HTTP]. Of the volumes, which hold the values, only the parts that a [Query] needs are read.
//
// [Archive.Samples] gives values as pmlogger recorded them, as "pmval -U" does, and [Archive.Interpolate] gives them at equal distances,
// as "pmval -t" does. [Rates] turns counters into rates. Where recording was interrupted there is a gap, never a number.
//
// Whatever a file says, memory is bounded. If an archive is damaged, or its last record is not yet written, all samples that can be read
// come first, and one error last; [ErrTruncated] tells the second case from the first.
package archive
