// What a rotation costs where nothing but SQLite is done: the statements of a refresh with rotation
// and blacklisting, 64 to a commit, synchronous=FULL, in one thread. Prints rotations per second
// and CPU time per rotation; bench/service.py sets the service's figures beside it.
//
//   bench_rotation DATABASE ROTATIONS      DATABASE: a copy that `easyjwt migrate` made, with user
//   1

#include <sqlite3.h>
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

[[noreturn]] void die(sqlite3* db, const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
  std::exit(1);
}

sqlite3_stmt* prepare(sqlite3* db, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) !=
      SQLITE_OK) {
    die(db, sql);
  }
  return statement;
}

void step(sqlite3* db, sqlite3_stmt* statement) {
  int result = SQLITE_ROW;
  while (result == SQLITE_ROW) result = sqlite3_step(statement);
  if (result != SQLITE_DONE) die(db, "step");
  sqlite3_reset(statement);
}

double seconds(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// SplitMix64.
unsigned long long next() {
  static unsigned long long state = 1;
  unsigned long long z = (state += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_rotation DATABASE ROTATIONS\n");
    return 2;
  }
  const int rotations = std::atoi(argv[2]);
  sqlite3* db = nullptr;
  if (sqlite3_open(argv[1], &db) != SQLITE_OK) die(db, argv[1]);
  sqlite3_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
               nullptr, nullptr, nullptr);
  auto* begin = prepare(db, "BEGIN IMMEDIATE");
  auto* commit = prepare(db, "COMMIT");
  auto* judge = prepare(db,
                        "SELECT u.is_active, u.password, EXISTS (SELECT 1 FROM "
                        "token_blacklist_blacklistedtoken WHERE token_id = (SELECT id FROM "
                        "token_blacklist_outstandingtoken WHERE jti = ?2)), u.id FROM (SELECT 1) "
                        "AS one LEFT JOIN \"user\" u ON u.id = ?1");
  auto* blacklist = prepare(db,
                            "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, "
                            "token_id) SELECT ?2, id FROM token_blacklist_outstandingtoken WHERE "
                            "jti = ?1 ON CONFLICT (token_id) DO NOTHING");
  auto* add = prepare(db,
                      "INSERT INTO token_blacklist_outstandingtoken (jti, token, user_id, "
                      "created_at, expires_at) VALUES (?1, ?2, NULL, NULL, ?3) ON CONFLICT (jti) "
                      "DO NOTHING");
  const std::string token(237, 'x');
  const char* time = "2026-11-24 12:00:00.000000";
  const double wall = seconds(CLOCK_MONOTONIC);
  const double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
  for (int i = 0; i < rotations; ++i) {
    if (i % 64 == 0) step(db, begin);
    // As a service makes them: UUIDs of version 7.
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    char jti[40];
    const int size = std::snprintf(jti, sizeof jti, "%012lx7%03llx%016llx",
                                   now.tv_sec * 1000 + now.tv_nsec / 1'000'000, next() & 0xfff,
                                   (next() & ~0ULL >> 2) | 1ULL << 63);
    sqlite3_bind_int64(judge, 1, 1);
    sqlite3_bind_text(judge, 2, jti, size, SQLITE_TRANSIENT);
    step(db, judge);
    sqlite3_bind_text(add, 1, jti, size, SQLITE_TRANSIENT);
    sqlite3_bind_text(add, 2, token.data(), static_cast<int>(token.size()), SQLITE_TRANSIENT);
    sqlite3_bind_text(add, 3, time, -1, SQLITE_STATIC);
    step(db, add);
    sqlite3_bind_text(blacklist, 1, jti, size, SQLITE_TRANSIENT);
    sqlite3_bind_text(blacklist, 2, time, -1, SQLITE_STATIC);
    step(db, blacklist);
    if (i % 64 == 63 || i + 1 == rotations) step(db, commit);
  }
  const double wall_used = seconds(CLOCK_MONOTONIC) - wall;
  const double cpu_used = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  std::printf("%.0f rotations/s, %.2f us of CPU each\n", rotations / wall_used,
              cpu_used / rotations * 1e6);
  for (auto* statement : {begin, commit, judge, add, blacklist}) sqlite3_finalize(statement);
  sqlite3_close(db);
}
