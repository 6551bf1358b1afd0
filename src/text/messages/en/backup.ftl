# Saving and bringing back
backup-done = The backup is in { $file } ({ $bytes } bytes). It holds personal data: keep it as private as the hub itself.
backup-nothing = There is no hub in the database yet, so there is nothing to save.
backup-no-cluster = There is no database in the folder { $folder }, or this user may not look at it; choose another --data-dir, or name a database with --database-url.
backup-terminal = A backup is not for the eye; send standard output to a file or a program.
backup-file-exists = { $file } is there already; choose another name, or take its place with --force.
backup-not-a-file = { $file } is no ordinary file; choose another name.
backup-unwritable = The backup cannot be written to { $file } ({ $reason }).
backup-program-missing = The program { $program } was not found on this machine; install PostgreSQL’s client programs of version { $version } (Debian, Ubuntu: apt-get install postgresql-client; Fedora: dnf install postgresql; macOS: brew install libpq).
backup-program-old = The server is PostgreSQL { $server }, and pg_dump on this machine only version { $found }; install the client programs of version { $server }.
backup-failed = Nothing was saved: { $reason }.
backup-interrupted = Stopped before it was complete; nothing of it is left.
restore-done = { $nodes } nodes and { $changes } entries of the change log are back. The log begins a new epoch: cursors from before have expired, and followers list anew.{ $missing ->
    [0] {""}
   *[other] {" "}The backup is of an older version: run "hub migrate" next.
}
restore-unreadable = The file is no backup of a hub, or it is damaged ({ $reason }).
restore-foreign = The file is a backup of something else than a hub.
restore-newer = The backup is of a newer program (migration { $version }); restore it with the program that made it, or a later one.
restore-not-empty = The database { $database } is not empty; restore into an empty one: a new --data-dir, or a new database with --database-url.
restore-encoding = The database’s encoding is { $encoding }, and the hub needs UTF8; make it anew with ENCODING 'UTF8' TEMPLATE template0.
restore-failed = Nothing was restored, and the database is as empty as before: { $reason }.
