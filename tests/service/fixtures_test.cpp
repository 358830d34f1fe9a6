#include "service/fixtures/fixtures.hpp"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "db/test_database.hpp"
#include "easyjwt/db/migrations.hpp"
#include "easyjwt/user/user_store.hpp"
#include "files.hpp"
#include "tests_dir.hpp"

namespace easyjwt {
namespace {

constexpr Time now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 23}};

class Fixtures : public testing::TestWithParam<db::Place> {
 protected:
  Fixtures() {
    EXPECT_TRUE(db::migrate(*database_, [] { return now; }));
  }

  /// "" or the error, without the file's folder.
  std::string load(std::string_view text, std::string_view more = {}) {
    std::vector<std::string> files{folder_.write("a.json", text)};
    if (!more.empty()) files.push_back(folder_.write("b.json", more));
    const auto count = fixtures::load(*database_, files, now);
    if (count) return {};
    EXPECT_EQ(count.error().code, Errc::refused);
    auto reason = count.error().reason;
    if (reason.starts_with(folder_.path())) reason.erase(0, folder_.path().size() + 1);
    return reason;
  }

  std::string dump(const std::vector<std::string_view>& labels = {
                       "auth.group", "easyjwt_user.user", "token_blacklist.outstandingtoken",
                       "token_blacklist.blacklistedtoken"}) {
    std::vector<const FixtureModel*> models;
    for (const auto label : labels) models.push_back(find_fixture_model(label));
    char* text = nullptr;
    std::size_t size = 0;
    std::FILE* out = open_memstream(&text, &size);
    EXPECT_TRUE(fixtures::dump(*database_, models, out));
    std::fclose(out);
    std::string result(text, size);
    std::free(text);
    return result;
  }

  std::optional<User> user(std::string_view email) {
    auto found = database_->read(
        [&](db::Transaction& transaction) { return UserStore(transaction).find_by_email(email); });
    EXPECT_TRUE(found);
    return *found;
  }

  TemporaryFolder folder_;
  db::TestDatabase place_{GetParam(), true};
  std::unique_ptr<db::Database> database_ = place_.open();
};

INSTANTIATE_TEST_SUITE_P(Engines, Fixtures, db::every_place, db::place_name);

TEST_P(Fixtures, DjangosDumpComesBackByteForByte) {
  const auto original = read_whole(EASYJWT_TESTS_DIR "/data/dumpdata.json");
  ASSERT_FALSE(original.empty());
  ASSERT_EQ(load(original), "");
  EXPECT_EQ(dump(), original);
  // Loading it again replaces each row by itself.
  ASSERT_EQ(load(original), "");
  EXPECT_EQ(dump(), original);
}

TEST_P(Fixtures, AnEmptyDumpIsAList) {
  EXPECT_EQ(dump(), "[\n]\n");
  EXPECT_EQ(load(dump()), "");
  EXPECT_EQ(load(" \n[ ]"), "");
}

TEST_P(Fixtures, AbsentFieldsGetTheirDefaults) {
  ASSERT_EQ(load(R"([{"model": "easyjwt_user.user", "pk": 7, "fields": {"email": "A@b.DE"}}])"),
            "");
  const auto found = user("A@b.DE");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->id, 7);
  EXPECT_EQ(found->password, "");
  EXPECT_TRUE(found->is_active);
  EXPECT_FALSE(found->is_staff || found->is_superuser);
  EXPECT_EQ(found->date_joined, now);
  EXPECT_EQ(found->creation_date, now);
  EXPECT_FALSE(found->last_login || found->phone || found->location);
}

TEST_P(Fixtures, AnExistingPkIsReplacedAsAWhole) {
  ASSERT_EQ(load(R"([{"model": "easyjwt_user.user", "pk": 1,
                      "fields": {"email": "a@b.de", "is_staff": true, "first_name": "A"}}])"),
            "");
  ASSERT_EQ(load(R"([{"model": "easyjwt_user.user", "pk": 1, "fields": {"email": "c@b.de"}}])"),
            "");
  EXPECT_FALSE(user("a@b.de"));
  const auto found = user("c@b.de");
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->is_staff);
  EXPECT_EQ(found->first_name, "");
}

TEST_P(Fixtures, WithoutAPkTheNaturalKeyDecides) {
  ASSERT_EQ(load(R"([{"model": "easyjwt_user.user", "fields": {"email": "a@b.de"}},
                     {"model": "auth.group", "pk": null, "fields": {"name": "g"}}])"),
            "");
  const auto first = user("a@b.de");
  ASSERT_TRUE(first);
  ASSERT_EQ(load(R"([{"model": "easyjwt_user.user",
                      "fields": {"email": "a@b.de", "phone": "1", "groups": [["g"]]}}])"),
            "");
  EXPECT_EQ(user("a@b.de")->id, first->id);
  EXPECT_EQ(user("a@b.de")->phone, "1");
}

/// References to what comes later, by natural key and by number, and across files.
TEST_P(Fixtures, TheOrderOfEntriesDoesNotMatter) {
  ASSERT_EQ(load(R"([{"model": "token_blacklist.blacklistedtoken", "pk": 1, "fields": {"token": 3}},
               {"model": "token_blacklist.outstandingtoken", "pk": 3, "fields": {
                  "user": ["a@b.de"], "jti": "j", "expires_at": "2036-11-20T16:22:33Z"}},
               {"model": "admin.logentry", "pk": 1, "fields": {
                  "user": 5, "content_type": ["auth", "group"], "action_flag": 2}},
               {"model": "easyjwt_user.user", "pk": 5, "fields": {
                  "email": "a@b.de", "groups": [["g"], 9]}}])",
                 R"([{"model": "auth.group", "pk": 9, "fields": {"name": "h"}},
               {"model": "sessions.session", "pk": "abc", "fields": {
                  "session_data": "x", "expire_date": "2026-11-20 16:22:33"}},
               {"model": "auth.group", "pk": 8, "fields": {
                  "name": "g", "permissions": [["view_user", "easyjwt_user", "user"]]}}])"),
            "");
  const auto text = dump({"admin.logentry", "sessions.session", "token_blacklist.blacklistedtoken",
                          "easyjwt_user.user"});
  EXPECT_NE(text.find("\"content_type\": [\n   \"auth\",\n   \"group\"\n  ]"), text.npos) << text;
  EXPECT_NE(text.find("\"pk\": \"abc\""), text.npos) << text;
  EXPECT_NE(text.find("\"groups\": [\n   [\n    \"g\"\n   ],\n   [\n    \"h\"\n   ]\n  ]"),
            text.npos)
      << text;
  EXPECT_NE(text.find("\"token\": 3"), text.npos) << text;
}

/// A dump without natural keys has another database's numbers for content types and permissions.
TEST_P(Fixtures, PermissionsAreMatchedByNaturalKeyAndKept) {
  const auto before = dump({"contenttypes.contenttype", "auth.permission"});
  ASSERT_EQ(load(R"([
      {"model": "auth.permission", "pk": 1, "fields": {
         "name": "Can view user", "content_type": 77, "codename": "view_user"}},
      {"model": "contenttypes.contenttype", "pk": 77, "fields": {
         "app_label": "easyjwt_user", "model": "user"}},
      {"model": "auth.group", "pk": 1, "fields": {"name": "g", "permissions": [1, 1]}}])"),
            "");
  EXPECT_EQ(dump({"contenttypes.contenttype", "auth.permission"}), before);
  const auto groups = dump({"auth.group"});
  EXPECT_NE(groups.find("\"permissions\": [\n   [\n    \"view_user\",\n    \"easyjwt_user\",\n"
                        "    \"user\"\n   ]\n  ]"),
            groups.npos)
      << groups;
}

TEST_P(Fixtures, PermissionsOfOnesOwnAreAdded) {
  ASSERT_EQ(load(R"([
      {"model": "contenttypes.contenttype", "fields": {"app_label": "shop", "model": "cart"}},
      {"model": "auth.permission", "fields": {
         "name": "Can buy", "content_type": ["shop", "cart"], "codename": "buy"}},
      {"model": "easyjwt_user.user", "pk": 1, "fields": {
         "email": "a@b.de", "user_permissions": [["buy", "shop", "cart"]]}}])"),
            "");
  EXPECT_NE(dump({"easyjwt_user.user"}).find("\"buy\""), std::string::npos);
}

TEST_P(Fixtures, LinksThatAreNotGivenStay) {
  ASSERT_EQ(load(R"([{"model": "auth.group", "pk": 1, "fields": {"name": "g"}},
                     {"model": "easyjwt_user.user", "pk": 1, "fields": {
                        "email": "a@b.de", "groups": [1]}}])"),
            "");
  ASSERT_EQ(load(R"([{"model": "easyjwt_user.user", "pk": 1, "fields": {"email": "a@b.de"}}])"),
            "");
  EXPECT_NE(dump({"easyjwt_user.user"}).find("\"g\""), std::string::npos);
  ASSERT_EQ(load(R"([{"model": "easyjwt_user.user", "pk": 1,
                      "fields": {"email": "a@b.de", "groups": []}}])"),
            "");
  EXPECT_EQ(dump({"easyjwt_user.user"}).find("\"g\""), std::string::npos);
}

TEST_P(Fixtures, NewRowsComeAfterTheHighestPk) {
  ASSERT_EQ(load(R"([{"model": "easyjwt_user.user", "pk": 500, "fields": {"email": "a@b.de"}}])"),
            "");
  User next;
  next.email = "b@b.de";
  const auto id = database_->write(
      [&](db::Transaction& transaction) { return UserStore(transaction).insert(next, now); });
  ASSERT_TRUE(id);
  EXPECT_EQ(*id, 501);
}

TEST_P(Fixtures, AnErrorLeavesTheDatabaseAsItWas) {
  ASSERT_EQ(load(R"([{"model": "auth.group", "pk": 1, "fields": {"name": "g"}}])"), "");
  const auto before = dump();
  EXPECT_NE(load(R"([{"model": "auth.group", "pk": 1, "fields": {"name": "changed"}},
                     {"model": "auth.group", "pk": 2, "fields": {"name": "h"}}])",
                 R"([{"model": "auth.group", "pk": 3, "fields": {"nome": "i"}}])"),
            "");
  EXPECT_EQ(dump(), before);
}

struct Bad {
  const char* text;
  const char* error;
};

#define USER(fields) "[{\"model\": \"easyjwt_user.user\", \"pk\": 5, \"fields\": " fields "}]"
#define IN_USER "a.json: entry 1 (easyjwt_user.user pk 5): "

constexpr Bad bad_fixtures[] = {
    {"", "a.json: is not a fixture: expected a JSON list"},
    {"{}", "a.json: is not a fixture: expected a JSON list"},
    {"[", "a.json: entry 1: expected an object"},
    {"[5]", "a.json: entry 1: expected an object"},
    {"[] x", "a.json: entry 1: there is more after the end of the list"},
    {"[{\"model\": \"x", "a.json: entry 1: the file ends inside of it"},
    {"[{]", "a.json: entry 1: the file ends inside of it"},
    {"[{\"model\": nope}]", "a.json: entry 1: JSON parse error - syntax error"},
    {"[{\"pk\": 1, \"fields\": {}}]", "a.json: entry 1: \"model\" is missing"},
    {"[{\"model\": \"auth.group\"}]", "a.json: entry 1: \"fields\" is missing"},
    {"[{\"model\": 5, \"fields\": {}}]", "a.json: entry 1: \"model\" is not a string"},
    {"[{\"model\": \"auth.nope\", \"fields\": {}}]",
     "a.json: entry 1: unknown model \"auth.nope\""},
    {"[{\"model\": \"auth.group\", \"fields\": []}]",
     "a.json: entry 1: \"fields\" is not an object"},
    {"[{\"model\": \"auth.group\", \"fields\": {}, \"x\": 1}]",
     "a.json: entry 1: unknown member \"x\""},
    {"[{\"model\": \"auth.group\", \"pk\": 1, \"fields\": {\"name\": \"a\"}}\n"
     " {\"model\": \"auth.group\"}]",
     "a.json: entry 2: expected , or ]"},
    {"[{\"model\": \"auth.group\", \"pk\": 1, \"fields\": {\"name\": \"a\"}},\n"
     " {\"model\": \"auth.group\", \"pk\": 2, \"fields\": {\"name\": \"a\"}}]",
     "a.json: entry 2 (auth.group pk 2): another row has the same auth_group.name"},
    {"[{\"model\": \"auth.group\", \"pk\": \"1\", \"fields\": {\"name\": \"a\"}}]",
     "a.json: entry 1 (auth.group pk 1): the pk is not a positive integer"},
    {"[{\"model\": \"auth.group\", \"pk\": 0, \"fields\": {\"name\": \"a\"}}]",
     "a.json: entry 1 (auth.group pk 0): the pk is not a positive integer"},
    {"[{\"model\": \"sessions.session\", \"pk\": 5, \"fields\": {}}]",
     "a.json: entry 1 (sessions.session pk 5): the pk is not a string"},
    {USER("{}"), IN_USER "field email: is required"},
    {USER("{\"username\": \"x\"}"), IN_USER "unknown field \"username\""},
    {USER("{\"email\": null}"), IN_USER "field email: must not be null"},
    {USER("{\"email\": 5}"), IN_USER "field email: must be a string"},
    {USER("{\"email\": \"a\\u0000\"}"), IN_USER "field email: must not hold a NUL character"},
    {USER("{\"email\": \"a\", \"phone\": \"1234567890123456\"}"),
     IN_USER "field phone: must have at most 15 characters (it has 16)"},
    {USER("{\"email\": \"a\", \"is_staff\": \"yes\"}"),
     IN_USER "field is_staff: must be true or false"},
    {USER("{\"email\": \"a\", \"is_active\": null}"), IN_USER "field is_active: must not be null"},
    {USER("{\"email\": \"a\", \"last_login\": \"yesterday\"}"),
     IN_USER "field last_login: must be a date and time like \"2026-11-23T16:22:32.110Z\""},
    {USER("{\"email\": \"a\", \"groups\": null}"), IN_USER "field groups: must be a list"},
    {USER("{\"email\": \"a\", \"groups\": [3]}"), IN_USER "field groups: there is no auth.group 3"},
    {USER("{\"email\": \"a\", \"groups\": [[\"nobody\"]]}"),
     IN_USER "field groups: there is no auth.group [\"nobody\"]"},
    {USER("{\"email\": \"a\", \"groups\": [\"g\"]}"),
     IN_USER "field groups: must be a positive integer or a natural key: a list of 1 strings"},
    {USER("{\"email\": \"a\", \"user_permissions\": [[\"view_user\", \"user\"]]}"),
     IN_USER "field user_permissions: must be a positive integer or a natural key: a list "
             "of 3 strings"},
    {"[{\"model\": \"token_blacklist.blacklistedtoken\", \"pk\": 1, "
     "\"fields\": {\"token\": 1}}]",
     "a.json: entry 1 (token_blacklist.blacklistedtoken pk 1): field token: there is no "
     "token_blacklist.outstandingtoken 1"}};

TEST_P(Fixtures, BadOnesAreRefusedByEntryAndField) {
  const auto before = dump();
  for (const auto& bad : bad_fixtures) EXPECT_EQ(load(bad.text), bad.error) << bad.text;
  EXPECT_EQ(dump(), before);
}

TEST_P(Fixtures, ABombOfNestingIsRefused) {
  const std::string deep(100'000, '[');
  EXPECT_NE(load("[{\"model\": " + deep + std::string(100'000, ']') + "}]").find("entry 1"),
            std::string::npos);
}

TEST_P(Fixtures, AMissingFileIsNamed) {
  const auto count = fixtures::load(*database_, {folder_.path("none.json")}, now);
  ASSERT_FALSE(count);
  EXPECT_EQ(count.error().reason,
            folder_.path("none.json") + ": cannot be read: No such file or directory");
}

/// Tables, fields and statements fit together: every model can be written and read back.
TEST(FixtureModels, AreSound) {
  int rank = 0;
  for (const auto* model : fixture_models()) {
    EXPECT_GE(model->rank, rank) << model->label;
    rank = model->rank;
    for (const auto& field : model->fields) {
      EXPECT_EQ(field.target != nullptr, field.kind == FixtureField::Kind::reference) << field.name;
      EXPECT_LT(field.target == nullptr ? -1 : field.target->rank, model->rank) << field.name;
    }
    for (const auto& link : model->links) EXPECT_LT(link.target->rank, model->rank) << link.name;
  }
  EXPECT_EQ(find_fixture_model("Auth.Group"), find_fixture_model("auth.group"));
  EXPECT_EQ(find_fixture_model("auth"), nullptr);
}

}  // namespace
}  // namespace easyjwt
