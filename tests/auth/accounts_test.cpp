#include "easyjwt/auth/accounts.hpp"

#include "auth/fixture.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt {
namespace {

using test::words;

class AccountsTest : public test::AuthService {};

INSTANTIATE_TEST_SUITE_P(Engines, AccountsTest, db::every_place, db::place_name);

TEST_P(AccountsTest, AuthenticatesByEmailAsWritten) {
  const auto id = add_user("alice@example.com");
  EXPECT_EQ(accounts_->authenticate("alice@example.com", password)->id, id);
  for (const auto& [email, tried] :
       {std::pair("alice@example.com", "nope"), std::pair("ALICE@example.com", password.data()),
        std::pair("nobody@example.com", password.data()), std::pair("", "")}) {
    const auto refused = accounts_->authenticate(email, tried);
    ASSERT_FALSE(refused) << email;
    EXPECT_EQ(refused.error().code, Errc::no_active_account);
  }
}

TEST_P(AccountsTest, RefusesTheInactiveOnlyAfterHashing) {
  add_user("bob@example.com", false);
  const auto before = hasher_->usage().hashing;
  EXPECT_EQ(accounts_->authenticate("bob@example.com", password).error().code,
            Errc::no_active_account);
  EXPECT_GT(hasher_->usage().hashing, before);
}

TEST_P(AccountsTest, UnknownEmailsAreHashedFor) {
  const auto before = hasher_->usage().hashing;
  EXPECT_FALSE(accounts_->authenticate("nobody@example.com", password));
  EXPECT_GT(hasher_->usage().hashing, before);
}

TEST_P(AccountsTest, HashesNothingOnAThreadThatMayNotWait) {
  add_user("alice@example.com");
  const NoWaiting here;
  EXPECT_EQ(accounts_->authenticate("alice@example.com", password).error().code, Errc::would_wait);
  EXPECT_EQ(accounts_->create({.email = "x@example.com", .password = "x"}).error().code,
            Errc::would_wait);
}

TEST_P(AccountsTest, RehashesAtLoginWhatIsOutdated) {
  hasher_settings_.upgrade = true;
  hasher_settings_.hashers = {"argon2", "pbkdf2_sha256"};
  start();
  const auto id = add_user("alice@example.com");
  const auto modified = (*accounts_->find_by_id(id))->modified_date;
  now_ += std::chrono::hours(1);
  ASSERT_TRUE(accounts_->authenticate("alice@example.com", password));
  const auto user = **accounts_->find_by_id(id);
  EXPECT_TRUE(user.password.starts_with("argon2$argon2id$")) << user.password;
  EXPECT_EQ(user.modified_date, modified);
  EXPECT_TRUE(accounts_->authenticate("alice@example.com", password));
  EXPECT_EQ((*accounts_->find_by_id(id))->password, user.password) << "hashed again for nothing";
}

TEST_P(AccountsTest, NeverRehashesWhereThatWouldEndSessions) {
  hasher_settings_.upgrade = true;
  hasher_settings_.hashers = {"argon2", "pbkdf2_sha256"};
  settings_.check_revoke_token = true;
  start();
  const auto id = add_user("alice@example.com");
  ASSERT_TRUE(accounts_->authenticate("alice@example.com", password));
  EXPECT_EQ((*accounts_->find_by_id(id))->password, encoding);
}

TEST_P(AccountsTest, CreatesWithTheEmailInLowerCase) {
  const auto user = accounts_->create({.email = "New.User@Example.COM", .password = "S3cure!P@ss"});
  ASSERT_TRUE(user);
  EXPECT_EQ(user->email, "new.user@example.com");
  const auto stored = **accounts_->find_by_id(user->id);
  EXPECT_EQ(stored.email, "new.user@example.com");
  EXPECT_EQ(stored.date_joined, now_);
  EXPECT_TRUE(stored.is_active);
  EXPECT_FALSE(stored.is_staff);
  EXPECT_FALSE(stored.phone);
  EXPECT_TRUE(accounts_->authenticate("new.user@example.com", "S3cure!P@ss"));
}

TEST_P(AccountsTest, RefusesAnEmailThatIsThereInAnySpelling) {
  add_user("Frank@example.com");
  EXPECT_EQ(words(accounts_->create({.email = "frank@example.com", .password = "x"})),
            "email: This email already exists.");
  EXPECT_EQ(words(accounts_->create({.email = "FRANK@EXAMPLE.com", .password = "x"})),
            "email: This email already exists.");
}

TEST_P(AccountsTest, ChangesAPasswordForWhoeverKnowsTheOldOne) {
  const auto id = add_user("erin@example.com");
  now_ += std::chrono::hours(1);
  EXPECT_EQ(words(accounts_->change_password("erin@example.com", "nope", "Er1n-Now-knits!")),
            "non_field_errors: Invalid credentials.");
  EXPECT_EQ(words(accounts_->change_password("erin@example.com", password, "12345")),
            "new_password: This password is too short. It must contain at least 8 characters.");
  EXPECT_EQ(words(accounts_->change_password("erin@example.com", password, "erin@example.co")),
            "new_password: The password is too similar to the email address.");
  ASSERT_TRUE(accounts_->change_password("erin@example.com", password, "Er1n-Now-knits!"));
  EXPECT_FALSE(accounts_->authenticate("erin@example.com", password));
  EXPECT_TRUE(accounts_->authenticate("erin@example.com", "Er1n-Now-knits!"));
  EXPECT_EQ((*accounts_->find_by_id(id))->modified_date, now_);
}

TEST_P(AccountsTest, OfTwoChangesFromOneStateOneWins) {
  add_user("erin@example.com");
  const auto seen = **accounts_->find_by_email("erin@example.com");
  EXPECT_TRUE(accounts_->set_password(seen, "first"));
  EXPECT_EQ(accounts_->set_password(seen, "second").error().code, Errc::conflict);
  EXPECT_TRUE(accounts_->authenticate("erin@example.com", "first"));
}

}  // namespace
}  // namespace easyjwt
