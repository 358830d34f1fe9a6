#pragma once

#include <sqlite3.h>

namespace easyjwt::db {

/// What statements of ours call on SQLite; nothing in a schema may, for other programs open the
/// file, too.
///
///     easyjwt_has(text, word, ...)   whether each word stands in the text, byte by byte
///     easyjwt_among(id, set)         whether the id is in a set of db/id_set.hpp
///
/// easyjwt_has of a million texts takes 55 ms, 40 of which are SQLite's for the rows; LIKE takes 62
/// to 105, instr() 86 to 109, and both as much again for a second word.
void add_functions(sqlite3* connection);

}  // namespace easyjwt::db
