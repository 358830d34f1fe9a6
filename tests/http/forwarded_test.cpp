#include "http/forwarded.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "easyjwt/http/network.hpp"

namespace easyjwt::http {
namespace {

std::vector<Network> networks(const std::vector<std::string_view>& texts) {
  std::vector<Network> out;
  for (const auto text : texts) out.push_back(Network::parse(text).value());
  return out;
}

std::string canonical(std::string_view text) {
  const auto address = Address::parse(text);
  Address::Text buffer;
  return address ? std::string(address->text(buffer)) : "";
}

TEST(Address, HasOneSpelling) {
  EXPECT_EQ(canonical("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(canonical("2001:DB8:0::1"), "2001:db8::1");
  EXPECT_EQ(canonical("::ffff:192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(canonical("::FFFF:c000:201"), "192.0.2.1");
  EXPECT_EQ(canonical("::"), "::");
  EXPECT_EQ(canonical("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(Address, NothingElseIsOne) {
  using namespace std::string_view_literals;
  for (const auto text : {""sv,
                          " "sv,
                          "192.0.2.1 "sv,
                          " 192.0.2.1"sv,
                          "192.0.2"sv,
                          "192.0.2.1.1"sv,
                          "192.0.2.256"sv,
                          "192.0.2.01"sv,
                          "0x7f.0.0.1"sv,
                          "2130706433"sv,
                          "192.0.2.1:80"sv,
                          "[::1]"sv,
                          "[::1]:80"sv,
                          "fe80::1%eth0"sv,
                          "1::2::3"sv,
                          ":::"sv,
                          "g::1"sv,
                          "unknown"sv,
                          "_hidden"sv,
                          "unix:"sv,
                          "-1.2.3.4"sv,
                          "\"192.0.2.1\""sv,
                          "for=192.0.2.1"sv,
                          "192.0.2.1\0"sv,
                          "::1\0.2"sv,
                          "1111111111111111111111111111111111111111111111"sv,
                          "::11111111111111111111111111111111111111111111111111111111111111"sv}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
}

TEST(Network, Contains) {
  struct Case {
    std::string_view network, address;
    bool inside;
  };
  for (const auto& [network, address, inside] : {
           Case{"10.0.0.1", "10.0.0.1", true},
           {"10.0.0.1", "10.0.0.2", false},
           {"10.0.0.1", "::ffff:10.0.0.1", true},
           {"::ffff:10.0.0.1", "10.0.0.1", true},
           {"::ffff:10.0.0.0/104", "10.1.2.3", true},
           {"::ffff:10.0.0.0/104", "11.1.2.3", false},
           {"10.0.0.0/8", "10.255.255.255", true},
           {"10.0.0.0/8", "11.0.0.0", false},
           {"10.0.0.0/8", "9.255.255.255", false},
           {"10.0.0.0/9", "10.127.255.255", true},
           {"10.0.0.0/9", "10.128.0.0", false},
           {"10.0.0.4/31", "10.0.0.5", true},
           {"10.0.0.4/31", "10.0.0.6", false},
           {"128.0.0.0/1", "200.1.1.1", true},
           {"128.0.0.0/1", "100.1.1.1", false},
           {"10.0.0.0/8", "a00::", false},
           {"2001:db8::/32", "2001:db8:ffff::1", true},
           {"2001:db8::/32", "2001:db9::", false},
           {"fe80::/10", "febf::1", true},
           {"fe80::/10", "fec0::1", false},
           {"::1", "::1", true},
           {"::1", "0.0.0.1", false},
           {"::/1", "10.0.0.1", false},
           {"::/80", "10.0.0.1", false},
       }) {
    EXPECT_EQ(Network::parse(network).value().contains(*Address::parse(address)), inside)
        << network << " " << address;
  }
}

TEST(Network, SaysWhatIsWrong) {
  for (const auto* text : {"",
                           "*",
                           "all",
                           "localhost",
                           "10.0.0.0/",
                           "/8",
                           "10.0.0.0/33",
                           "10.0.0.0/-1",
                           "10.0.0.0/+8",
                           "10.0.0.0/08",
                           "10.0.0.0/8 ",
                           "10/8",
                           "10.0.0.0/255.0.0.0",
                           "::1/129",
                           "10.0.0.0/8/8",
                           "10.0.0.1,10.0.0.2",
                           "10.0.0.0/99999999999",
                           "unix:/run/proxy",
                           "[::1]",
                           "::1%lo"}) {
    const auto network = Network::parse(text);
    ASSERT_FALSE(network) << text;
    EXPECT_EQ(network.error().reason,
              "\"" + std::string(text) +
                  "\" is not an IP address or a network like \"10.0.0.0/8\" or \"2001:db8::/32\"");
  }
  EXPECT_EQ(Network::parse("10.0.0.1/8").error().reason,
            "\"10.0.0.1/8\" has bits beyond its prefix; the network is \"10.0.0.0/8\"");
  EXPECT_EQ(Network::parse("2001:db8::1/64").error().reason,
            "\"2001:db8::1/64\" has bits beyond its prefix; the network is \"2001:db8::/64\"");
  EXPECT_EQ(Network::parse("0.0.0.0/0").error().reason, "\"0.0.0.0/0\" would be everybody");
  EXPECT_EQ(Network::parse("::/0").error().reason, "\"::/0\" would be everybody");
}

TEST(Forwarded, WhoIsTrusted) {
  const auto trusted = networks({"10.0.0.0/8", "fe80::/10"});
  EXPECT_TRUE(is_trusted("10.1.1.1", trusted));
  EXPECT_TRUE(is_trusted("fe80::1%eth0", trusted));
  EXPECT_FALSE(is_trusted("192.0.2.1", trusted));
  EXPECT_FALSE(is_trusted("", trusted));
  EXPECT_FALSE(is_trusted("10.1.1.1", {}));
}

/// With 10/8 and 2001:db8:1::/48 trusted.
Forwarded read(const std::vector<Header>& headers) {
  static const auto trusted = networks({"10.0.0.0/8", "2001:db8:1::/48"});
  return read_forwarded(headers, trusted);
}
std::string client_of(const std::vector<std::string_view>& fields) {
  std::vector<Header> headers;
  for (const auto field : fields) headers.push_back({"x-ForwardeD-for", field});
  Address::Text buffer;
  const auto forwarded = read(headers);
  return forwarded.client ? std::string(forwarded.client->text(buffer)) : "none";
}

TEST(Forwarded, TheClientIsTheFirstFromTheRightThatIsNotTrusted) {
  struct Case {
    std::vector<std::string_view> fields;
    std::string_view client;
  };
  const std::string many = [] {
    std::string out = "192.0.2.9";
    for (int i = 0; i < 1000; ++i) out += ",10.0.0.1";
    return out;
  }();
  for (const auto& [fields, client] : std::vector<Case>{
           {{}, "none"},
           {{"192.0.2.1"}, "192.0.2.1"},
           {{" \t192.0.2.1\t "}, "192.0.2.1"},
           {{"2001:DB8::9"}, "2001:db8::9"},
           {{"::ffff:192.0.2.1"}, "192.0.2.1"},
           // What the client made up stands left of it.
           {{"127.0.0.1, 192.0.2.1"}, "192.0.2.1"},
           {{"10.0.0.1, 192.0.2.1"}, "192.0.2.1"},
           {{"10.0.0.1,10.0.0.2", "198.51.100.7"}, "198.51.100.7"},
           {{"198.51.100.7", "192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
           {{"198.51.100.7, 192.0.2.1", "10.0.0.2", "2001:db8:1::5"}, "192.0.2.1"},
           {{"192.0.2.1,::ffff:10.0.0.2"}, "192.0.2.1"},
           {{many}, "192.0.2.9"},
           // All of them are ours: somebody behind the proxies.
           {{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
           // Garbage ends it at the last good one; none at all leaves the peer.
           {{""}, "none"},
           {{","}, "none"},
           {{"unknown"}, "none"},
           {{"192.0.2.1:4711"}, "none"},
           {{"[2001:db8::9]"}, "none"},
           {{"[2001:db8::9]:443"}, "none"},
           {{"192.0.2.1,"}, "none"},
           {{"192.0.2.1", ""}, "none"},
           {{"192.0.2.1;10.0.0.2"}, "none"},
           {{"192.0.2.1 10.0.0.2"}, "none"},
           {{"\"192.0.2.1\""}, "none"},
           {{"192.0.2.1, unknown, 10.0.0.2"}, "10.0.0.2"},
           {{"192.0.2.1,,10.0.0.2"}, "10.0.0.2"},
           {{"192.0.2.1, 10.0.0.3:80, 10.0.0.2"}, "10.0.0.2"},
           {{"192.0.2.1", "fe80::1%eth0", "10.0.0.2"}, "10.0.0.2"},
           {{"192.0.2.1", "\xff\xfe, 10.0.0.2"}, "10.0.0.2"},
       }) {
    EXPECT_EQ(client_of(fields), client) << ::testing::PrintToString(fields);
  }
}

TEST(Forwarded, TheSchemeIsTheLastValue) {
  struct Case {
    std::vector<Header> headers;
    std::string_view scheme;
  };
  for (const auto& [headers, scheme] : std::vector<Case>{
           {{}, ""},
           {{{"X-Forwarded-Proto", "https"}}, "https"},
           {{{"x-forwarded-proto", " HTTPS "}}, "https"},
           {{{"X-Forwarded-Proto", "http"}}, "http"},
           {{{"X-Forwarded-Proto", "http, https"}}, "https"},
           {{{"X-Forwarded-Proto", "https,http"}}, "http"},
           {{{"X-Forwarded-Proto", "http"}, {"Other", "x"}, {"X-Forwarded-Proto", "https"}},
            "https"},
           {{{"X-Forwarded-Proto", ""}}, ""},
           {{{"X-Forwarded-Proto", "https,"}}, ""},
           {{{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Proto", "gopher"}}, ""},
           {{{"X-Forwarded-Proto", "https://"}}, ""},
           {{{"X-Forwarded-Proto", "httpss"}}, ""},
           {{{"X-Forwarded-Proto", "javascript:alert(1)//"}}, ""},
           {{{"X-Forwarded-Scheme", "https"}, {"X-Forwarded-Ssl", "on"}}, ""},
           {{{"Forwarded", "proto=https"}}, ""},
       }) {
    EXPECT_EQ(read(headers).scheme, scheme);
  }
}

}  // namespace
}  // namespace easyjwt::http
