#pragma once

namespace easyjwt::db {

/// The name of a VFS of SQLite's under which a commit is one write to the write-ahead log; SQLite's
/// own writes each page and each page's head by itself, which was a fifth of a rotation.
///
/// What is written to the log is kept in memory until SQLite has it synced, reads the log, or as
/// much has gathered as goes into one write. Nobody else looks at it before: others learn of a
/// commit from the log's index, which SQLite writes after the sync. So this is only for connections
/// with synchronous=FULL, which sync the log in each commit. What an undone transaction leaves
/// behind is forgotten as it gives back its lock, before anybody else writes. Thread-safe.
const char* gathering_vfs();

}  // namespace easyjwt::db
