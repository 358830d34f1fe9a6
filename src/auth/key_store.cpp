#include "easyjwt/auth/key_store.hpp"

namespace easyjwt {
SigningKey::State SigningKey::state(Time now) const noexcept {
  if (now < signs_from) return State::published;
  if (!signs_until || now < *signs_until) return State::signing;
  return !verifies_until || now < *verifies_until ? State::verifying : State::dead;
}

std::string_view to_string(SigningKey::State state) noexcept {
  switch (state) {
    case SigningKey::State::published: return "published"_t;
    case SigningKey::State::signing: return "signs"_t;
    case SigningKey::State::verifying: return "verifies"_t;
    case SigningKey::State::dead: break;
  }
  return "dead"_t;
}

Result<std::vector<SigningKey>> KeyStore::list() {
  static constexpr db::Sql sql{
      "SELECT kid, algorithm, sealed, created_at, signs_from, signs_until, verifies_until "
      "FROM easyjwt_key ORDER BY signs_from, kid"};
  std::vector<SigningKey> keys;
  const auto done = transaction_.run(sql, {}, [&](const db::Row& row) {
    keys.push_back({.kid = std::string(row.text(0)),
                    .algorithm = std::string(row.text(1)),
                    .created_at = row.time(3),
                    .signs_from = row.time(4),
                    .signs_until = row.maybe_time(5),
                    .verifies_until = row.maybe_time(6),
                    .sealed = std::string(row.text(2))});
  });
  if (!done) return fail(done.error());
  return keys;
}

Result<void> KeyStore::add(const SigningKey& key) {
  static constexpr db::Sql sql{
      "INSERT INTO easyjwt_key (kid, algorithm, sealed, created_at, signs_from, signs_until, "
      "verifies_until) VALUES ($1, $2, $3, $4, $5, $6, $7)"};
  return transaction_
      .run(sql, {key.kid, key.algorithm, key.sealed, key.created_at, key.signs_from,
                 db::value_or_null(key.signs_until), db::value_or_null(key.verifies_until)})
      .map(db::uncounted);
}

Result<bool> KeyStore::end(std::string_view kid, Time signs_until, Time verifies_until) {
  static constexpr db::Sql sql{
      "UPDATE easyjwt_key SET signs_until = $2, verifies_until = $3 "
      "WHERE kid = $1 AND signs_until IS NULL"};
  return transaction_.run(sql, {kid, signs_until, verifies_until}).map([](std::int64_t rows) {
    return rows > 0;
  });
}

Result<void> KeyStore::reopen(Time signs_until) {
  static constexpr db::Sql open{
      "UPDATE easyjwt_key SET signs_until = NULL, verifies_until = NULL WHERE signs_until = $1"};
  static constexpr db::Sql forget{"DELETE FROM easyjwt_key WHERE kid = '' AND signs_until IS NULL"};
  if (auto done = transaction_.run(open, {signs_until}); !done) return fail(done.error());
  return transaction_.run(forget).map(db::uncounted);
}

Result<void> KeyStore::stop_verifying(std::string_view kid, Time now) {
  static constexpr db::Sql sql{"UPDATE easyjwt_key SET verifies_until = $2 WHERE kid = $1"};
  return transaction_.run(sql, {kid, now}).map(db::uncounted);
}

Result<void> KeyStore::remove(std::string_view kid) {
  static constexpr db::Sql sql{"DELETE FROM easyjwt_key WHERE kid = $1"};
  return transaction_.run(sql, {kid}).map(db::uncounted);
}

Result<void> KeyStore::remove_dead(Time now) {
  static constexpr db::Sql sql{"DELETE FROM easyjwt_key WHERE kid <> '' AND verifies_until <= $1"};
  return transaction_.run(sql, {now}).map(db::uncounted);
}

}  // namespace easyjwt
