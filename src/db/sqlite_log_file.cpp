#include "db/sqlite_log_file.hpp"

#include <sqlite3.h>

#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace easyjwt::db {
namespace {

/// SQLite's files for Unix take up to 128 KiB in one call, and of more only some.
constexpr std::size_t most_gathered = 120 * 1024;
constexpr int write_lock =
    0;  ///< among those of the log's index: WAL_WRITE_LOCK of SQLite's format

/// What of a log has not gone to its file.
struct Gathered {
  std::vector<char> bytes;
  sqlite3_int64 offset = 0;
  /// Why some of it could not be written: what the rest of the transaction is told, since what it
  /// was told had been written has not been.
  int failure = SQLITE_OK;
};

/// A main file or its log. Made by SQLite in memory of its own; the file beneath stands behind it.
struct File {
  sqlite3_file base;
  Gathered* gathered;  ///< a log's; a main file has that of its log, if it has one
  File* main;          ///< a log's
};
constexpr std::size_t file_size = (sizeof(File) + alignof(std::max_align_t) - 1) /
                                  alignof(std::max_align_t) * alignof(std::max_align_t);

sqlite3_vfs* beneath = nullptr;

File& ours(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + file_size);
}

int flush(sqlite3_file* file) {
  auto* const gathered = ours(file).gathered;
  if (gathered == nullptr) return SQLITE_OK;
  if (gathered->failure == SQLITE_OK && !gathered->bytes.empty()) {
    gathered->failure =
        real(file)->pMethods->xWrite(real(file), gathered->bytes.data(),
                                     static_cast<int>(gathered->bytes.size()), gathered->offset);
    gathered->bytes.clear();
  }
  return gathered->failure;
}

int log_write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 offset) {
  auto& gathered = *ours(file).gathered;
  const auto* const from = static_cast<const char*>(bytes);
  const auto kept = gathered.bytes.size();
  const bool follows = offset == gathered.offset + static_cast<sqlite3_int64>(kept);
  if (!follows || kept + static_cast<std::size_t>(size) > most_gathered) {
    if (const int code = flush(file); code != SQLITE_OK) return code;
  }
  if (gathered.failure != SQLITE_OK) return gathered.failure;
  if (gathered.bytes.empty()) gathered.offset = offset;
  try {
    gathered.bytes.insert(gathered.bytes.end(), from, from + size);
  } catch (const std::bad_alloc&) {
    return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_OK;
}

int log_read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
  if (const int code = flush(file); code != SQLITE_OK) return code;
  return real(file)->pMethods->xRead(real(file), out, size, offset);
}
int log_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int code = flush(file); code != SQLITE_OK) return code;
  return real(file)->pMethods->xTruncate(real(file), size);
}
int log_sync(sqlite3_file* file, int flags) {
  if (const int code = flush(file); code != SQLITE_OK) return code;
  return real(file)->pMethods->xSync(real(file), flags);
}
int log_size(sqlite3_file* file, sqlite3_int64* size) {
  if (const int code = flush(file); code != SQLITE_OK) return code;
  return real(file)->pMethods->xFileSize(real(file), size);
}
int log_close(sqlite3_file* file) {
  auto& log = ours(file);
  log.main->gathered = nullptr;
  delete log.gathered;
  return real(file)->pMethods->xClose(real(file));
}

/// With the lock on writing ends a transaction: what it has committed has been synced, and what it
/// has not must not reach the file, where somebody else may write next.
int main_shm_lock(sqlite3_file* file, int first, int count, int flags) {
  auto* const gathered = ours(file).gathered;
  if (gathered != nullptr && (flags & SQLITE_SHM_UNLOCK) != 0 &&
      (flags & SQLITE_SHM_EXCLUSIVE) != 0 && first <= write_lock && write_lock < first + count) {
    gathered->bytes.clear();
    gathered->failure = SQLITE_OK;
  }
  return real(file)->pMethods->xShmLock(real(file), first, count, flags);
}

/// As the file beneath does it.
template <auto Method>
struct PassOn;
template <class Returned, class... Arguments,
          Returned (*sqlite3_io_methods::*Method)(sqlite3_file*, Arguments...)>
struct PassOn<Method> {
  static Returned call(sqlite3_file* file, Arguments... arguments) {
    return (real(file)->pMethods->*Method)(real(file), arguments...);
  }
};

using Methods = sqlite3_io_methods;
constexpr Methods main_methods{
    .iVersion = 3,
    .xClose = PassOn<&Methods::xClose>::call,
    .xRead = PassOn<&Methods::xRead>::call,
    .xWrite = PassOn<&Methods::xWrite>::call,
    .xTruncate = PassOn<&Methods::xTruncate>::call,
    .xSync = PassOn<&Methods::xSync>::call,
    .xFileSize = PassOn<&Methods::xFileSize>::call,
    .xLock = PassOn<&Methods::xLock>::call,
    .xUnlock = PassOn<&Methods::xUnlock>::call,
    .xCheckReservedLock = PassOn<&Methods::xCheckReservedLock>::call,
    .xFileControl = PassOn<&Methods::xFileControl>::call,
    .xSectorSize = PassOn<&Methods::xSectorSize>::call,
    .xDeviceCharacteristics = PassOn<&Methods::xDeviceCharacteristics>::call,
    .xShmMap = PassOn<&Methods::xShmMap>::call,
    .xShmLock = main_shm_lock,
    .xShmBarrier = PassOn<&Methods::xShmBarrier>::call,
    .xShmUnmap = PassOn<&Methods::xShmUnmap>::call,
    .xFetch = PassOn<&Methods::xFetch>::call,
    .xUnfetch = PassOn<&Methods::xUnfetch>::call,
};
constexpr Methods log_methods = [] {
  auto methods = main_methods;
  methods.xClose = log_close;
  methods.xRead = log_read;
  methods.xWrite = log_write;
  methods.xTruncate = log_truncate;
  methods.xSync = log_sync;
  methods.xFileSize = log_size;
  methods.xShmLock = PassOn<&Methods::xShmLock>::call;
  return methods;
}();

int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  const bool is_main = (flags & SQLITE_OPEN_MAIN_DB) != 0;
  const bool is_log = (flags & SQLITE_OPEN_WAL) != 0;
  if (!is_main && !is_log) return beneath->xOpen(beneath, name, file, flags, flags_out);
  auto& made = *new (file) File{};
  real(file)->pMethods = nullptr;
  std::unique_ptr<Gathered> gathered;
  if (is_log) {
    gathered.reset(new (std::nothrow) Gathered);
    if (!gathered) return SQLITE_NOMEM;
  }
  if (const int code = beneath->xOpen(beneath, name, real(file), flags, flags_out);
      code != SQLITE_OK) {
    if (real(file)->pMethods != nullptr) real(file)->pMethods->xClose(real(file));
    return code;
  }
  made.base.pMethods = is_main ? &main_methods : &log_methods;
  if (is_log) {
    made.main = &ours(sqlite3_database_file_object(name));
    made.main->gathered = made.gathered = gathered.release();
  }
  return SQLITE_OK;
}

}  // namespace

const char* gathering_vfs() {
  static constexpr const char* name = "easyjwt-gathering";
  static const bool is_registered = [] {
    beneath = sqlite3_vfs_find(nullptr);
    static sqlite3_vfs vfs;
    vfs = *beneath;
    vfs.zName = name;
    vfs.szOsFile = static_cast<int>(file_size) + beneath->szOsFile;
    vfs.xOpen = open;
    return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
  }();
  return is_registered ? name : nullptr;
}

}  // namespace easyjwt::db
