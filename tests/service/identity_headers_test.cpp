#include "service/forward_auth/identity_headers.hpp"

#include <gtest/gtest.h>

#include "easyjwt/core/settings_error.hpp"

namespace easyjwt {
namespace {

TEST(HeaderValue, EncodesWhatCouldBeTakenForSomethingElse) {
  using namespace std::string_view_literals;
  EXPECT_EQ(encode_header_value("alice@example.com"), "alice@example.com");
  EXPECT_EQ(encode_header_value("Sales, North"), "Sales%2C North");
  EXPECT_EQ(encode_header_value("100%"), "100%25");
  EXPECT_EQ(encode_header_value("D\xc3\xa4ve"), "D%C3%A4ve");
  EXPECT_EQ(encode_header_value("a\r\nX-Auth-Is-Staff: true\0\x7f"sv),
            "a%0D%0AX-Auth-Is-Staff: true%00%7F");
  EXPECT_EQ(encode_header_value(" a b "), "%20a b%20");
  EXPECT_EQ(encode_header_value(" "), "%20");
  EXPECT_EQ(encode_header_value(""), "");
}

Identity alice() {
  Identity identity;
  identity.remote_id = 7;
  identity.id = 3;
  identity.email = "alice@example.com";
  identity.is_staff = true;
  identity.groups = {"Editors", "Sales, North"};
  identity.user = parse_json(R"({"first_name": "D\u00e4ve", "age": 41, "score": 1.5, "vip": true,
      "nothing": null, "tags": ["a,b", "c"], "access_group": {"name": "Gold", "level": 2}})")
                      ->as_object();
  return identity;
}

TEST(IdentityHeaders, SaysWhoAsks) {
  const auto identity = alice();
  EXPECT_EQ(IdentityHeaders({}).of(&identity),
            "X-Auth-User-Id: 7\r\nX-Auth-Email: alice@example.com\r\nX-Auth-Is-Staff: true\r\n"
            "X-Auth-Groups: Editors, Sales%2C North\r\n");
}

TEST(IdentityHeaders, AreAllThereForNobody) {
  EXPECT_EQ(IdentityHeaders({"first_name", "access_group.name"}).of(nullptr),
            "X-Auth-User-Id: \r\nX-Auth-Email: \r\nX-Auth-Is-Staff: \r\nX-Auth-Groups: \r\n"
            "X-Auth-First-Name: \r\nX-Auth-Access-Group-Name: \r\n");
}

TEST(IdentityHeaders, TellTheFieldsThatAreNamed) {
  const auto identity = alice();
  const auto headers =
      IdentityHeaders({"first_name", "age", "score", "vip", "nothing", "tags", "access_group",
                       "access_group.name", "access_group.level", "age.x", "missing"})
          .of(&identity);
  EXPECT_EQ(headers.substr(headers.find("X-Auth-First-Name")),
            "X-Auth-First-Name: D%C3%A4ve\r\nX-Auth-Age: 41\r\nX-Auth-Score: 1.5\r\n"
            "X-Auth-Vip: true\r\nX-Auth-Nothing: \r\nX-Auth-Tags: a%2Cb, c\r\n"
            "X-Auth-Access-Group: {\"name\":\"Gold\"%2C\"level\":2}\r\n"
            "X-Auth-Access-Group-Name: Gold\r\nX-Auth-Access-Group-Level: 2\r\n"
            "X-Auth-Age-X: \r\nX-Auth-Missing: \r\n");
}

TEST(IdentityHeaders, RefuseFieldsThatMakeNoHeader) {
  for (const char* field : {"", ".", "a.", ".a", "a..b", "a b", "a:b", "a\r\nb", "email", "user_id",
                            "user.id", "is_staff", "groups", "GROUPS", "\xc3\xa4"}) {
    EXPECT_THROW(IdentityHeaders({field}), SettingsError) << field;
  }
  EXPECT_THROW(IdentityHeaders({"a_b", "a.b"}), SettingsError);
}

}  // namespace
}  // namespace easyjwt
