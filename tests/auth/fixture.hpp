#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "db/test_database.hpp"
#include "easyjwt/auth/accounts.hpp"
#include "easyjwt/auth/token_store.hpp"
#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/jose/jws.hpp"
#include "easyjwt/token/codec.hpp"

namespace easyjwt::test {

/// An auth-service without HTTP, on every engine, at an instant that only the test moves.
class AuthService : public testing::TestWithParam<db::Place> {
 protected:
  static constexpr std::string_view password = "c0rrect-Horse-battery";
  /// "c0rrect-Horse-battery" in one iteration: what is tested here is not the hashing.
  static constexpr std::string_view encoding =
      "pbkdf2_sha256$1$salt$LLCtvBHHl8bLgbdZ6hqNaeRmUUngqEoiW4PRA+7TTUE=";

  AuthService() {
    token_settings_.signing_key = Secret("d577273ff885c3f84dadb8578bb40000");
    hasher_settings_.hashers = {"pbkdf2_sha256", "argon2"};
    hasher_settings_.upgrade = false;
    const auto migrated = db::migrate(*database_, [this] { return now_; });
    if (!migrated) throw std::runtime_error(migrated.error().reason);
    start();
  }

  /// Builds the deciders anew, after the settings were changed.
  void start() {
    const Clock clock = [this] { return now_; };
    codec_ = std::make_unique<TokenCodec>(token_settings_);
    hasher_ = std::make_unique<Hasher>(hasher_settings_);
    accounts_ =
        std::make_unique<Accounts>(settings_, *database_, *hasher_, validators_, clock, no_log());
    tokens_ = std::make_unique<Tokens>(settings_, *codec_, *database_, *accounts_, clock, log());
  }

  Log log() {
    return [this](LogLevel, std::string_view message, std::initializer_list<LogField> fields) {
      const std::lock_guard lock(mutex_);
      lines_.emplace_back(message);
      for (const auto& field : fields) lines_.back() += " " + std::string(field.value);
    };
  }

  std::int64_t add_user(std::string email, bool active = true) {
    User user;
    user.email = std::move(email);
    user.password = encoding;
    user.is_active = active;
    user.date_joined = now_;
    const auto id = database_->write(
        [&](db::Transaction& transaction) { return UserStore(transaction).insert(user, now_); });
    EXPECT_TRUE(id);
    return id.value_or(0);
  }

  void sql(const db::Sql& statement, std::initializer_list<db::Value> values = {}) {
    const auto done = database_->write(
        [&](db::Transaction& transaction) { return transaction.run(statement, values); });
    ASSERT_TRUE(done) << done.error().reason;
  }

  std::int64_t count(const db::Sql& statement) {
    std::int64_t n = -1;
    const auto done = database_->read([&](db::Transaction& transaction) {
      return transaction.run(statement, {}, [&](const db::Row& row) { n = row.integer(0); });
    });
    EXPECT_TRUE(done);
    return n;
  }

  /// A token with this payload, signed with the right key.
  std::string sign(std::string_view payload) const {
    std::string out;
    jose::sign_compact(payload, codec_->key(), out);
    return out;
  }

  Time now_ = *parse_time("2026-11-23T12:00:00.250000Z");
  TokenSettings token_settings_;
  AuthSettings settings_;
  HasherSettings hasher_settings_;
  PasswordValidators validators_{{"UserAttributeSimilarityValidator", "MinimumLengthValidator",
                                  "CommonPasswordValidator", "NumericPasswordValidator"}};
  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
  std::unique_ptr<TokenCodec> codec_;
  std::unique_ptr<Hasher> hasher_;
  std::unique_ptr<Accounts> accounts_;
  std::unique_ptr<Tokens> tokens_;
  std::mutex mutex_;
  std::vector<std::string> lines_;  ///< of the log
};

/// The words of a refusal: its detail, or the first text of its first field.
template <class T>
std::string words(const Result<T>& result) {
  if (result) return "";
  const auto& error = result.error();
  if (!error.fields.empty()) return error.fields[0].field + ": " + error.fields[0].texts[0].str();
  return error.detail.empty() ? std::string(describe(error.code).text) : error.detail.str();
}

}  // namespace easyjwt::test
