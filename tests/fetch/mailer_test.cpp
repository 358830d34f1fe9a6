#include "easyjwt/fetch/mailer.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "easyjwt/core/random.hpp"
#include "easyjwt/core/waiting.hpp"

namespace easyjwt::fetch {
namespace {

namespace fs = std::filesystem;

const Time now = *parse_time("2026-11-30T09:05:07.5Z");

Mail mail() {
  return {.from = "Example <auth@example.com>",
          .to = "alice@example.com",
          .subject = "A new password",
          .text = "Hello\n",
          .html = "<p>Hello</p>\n"};
}

std::string composed(const Mail& wanted) {
  const auto out = compose(wanted, now);
  EXPECT_TRUE(out) << out.error().reason;
  return out ? *out : "";
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    EXPECT_NE(end, text.npos) << "a last line without its end";
    if (end == text.npos) break;
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 2);
  }
  return out;
}

/// The names of a mail's fields, in order; lines that go on have none.
std::vector<std::string> fields_of(const std::string& message) {
  std::vector<std::string> out;
  for (const auto& line : lines_of(message)) {
    if (line.empty()) break;
    if (line[0] != ' ') out.push_back(line.substr(0, line.find(':')));
  }
  return out;
}

/// The value of a field, unfolded.
std::string field(const std::string& message, const std::string& name) {
  std::string out;
  bool is_in = false;
  for (const auto& line : lines_of(message)) {
    if (line.empty()) break;
    if (line[0] != ' ') is_in = line.starts_with(name + ": ");
    if (is_in) out += line[0] == ' ' ? line : line.substr(name.size() + 2);
  }
  return out;
}

/// What stands in one part, decoded.
std::string part(const std::string& message, const std::string& type) {
  auto begin = message.find("Content-Type: " + type + ";");
  EXPECT_NE(begin, message.npos);
  begin = message.find("\r\n\r\n", begin) + 4;
  const auto body = message.substr(begin, message.find("\r\n--=_", begin) - begin);
  std::string out;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '=') {
      out += body[i];
    } else if (body.compare(i, 3, "=\r\n") == 0) {
      i += 2;
    } else {
      out += static_cast<char>(std::stoi(body.substr(i + 1, 2), nullptr, 16));
      i += 2;
    }
  }
  return out;
}

const std::vector<std::string> usual_fields{"Date",         "From",        "To",
                                            "Subject",      "Message-ID",  "Auto-Submitted",
                                            "MIME-Version", "Content-Type"};

TEST(Compose, HasBothFormsAndTheFieldsThatAMailNeeds) {
  const auto message = composed(mail());
  EXPECT_EQ(fields_of(message), usual_fields);
  EXPECT_EQ(field(message, "Date"), "Mon, 30 Nov 2026 09:05:07 +0000");
  EXPECT_EQ(field(message, "From"), "\"Example\" <auth@example.com>");
  EXPECT_EQ(field(message, "To"), "<alice@example.com>");
  EXPECT_EQ(field(message, "Subject"), "A new password");
  EXPECT_EQ(part(message, "text/plain"), "Hello\r\n");
  EXPECT_EQ(part(message, "text/html"), "<p>Hello</p>\r\n");
  EXPECT_NE(field(composed(mail()), "Message-ID"), field(message, "Message-ID"));
  EXPECT_TRUE(field(message, "Message-ID").ends_with("@example.com>"));
}

TEST(Compose, WhatIsNotAsciiIsEncoded) {
  auto wanted = mail();
  wanted.from = "Prüfstelle \"Ä\" <auth@example.com>";
  wanted.subject = "Ein neues Paßwort für Ihr Konto bei 例え.example, das wir gern verschicken";
  wanted.text = "Grüße, 例え = 1\n";
  const auto message = composed(wanted);
  for (const char c : message) ASSERT_EQ(c & 0x80, 0);
  EXPECT_EQ(field(message, "From"), "=?utf-8?B?UHLDvGZzdGVsbGUgIsOEIg==?= <auth@example.com>");
  EXPECT_TRUE(field(message, "Subject").starts_with("=?utf-8?B?"));
  EXPECT_EQ(part(message, "text/plain"), "Grüße, 例え = 1\r\n");
  std::string subject;
  for (auto rest = field(message, "Subject"); !rest.empty();) {
    const auto end = rest.find("?=");
    const auto bytes = decode_base64(rest.substr(10, end - 10));
    ASSERT_TRUE(bytes);
    EXPECT_LE(end + 2, 75u);  // RFC 2047 section 2
    subject += *bytes;
    rest.erase(0, end + 2);
    if (!rest.empty()) rest.erase(0, 1);
  }
  EXPECT_EQ(subject, wanted.subject);
}

TEST(Compose, NoInputAddsAFieldOrAPart) {
  const std::string evil = "x\r\nBcc: everybody@example.com\r\n\r\n<b>\n--=_boundary--\n";
  auto wanted = mail();
  wanted.subject = evil + "\xff";
  wanted.text = wanted.html = evil + '\0' + "\rBcc: a\r\n.\r\nQUIT";
  const auto message = composed(wanted);
  EXPECT_EQ(fields_of(message), usual_fields);
  EXPECT_EQ(field(message, "Subject").find('\r'), std::string::npos);
  std::size_t boundaries = 0;
  for (const auto& line : lines_of(message)) {
    boundaries += line.starts_with("--");
    EXPECT_NE(line, ".");
    EXPECT_EQ(line.find_first_of(std::string_view("\r\n\0", 3)), line.npos);
  }
  // Three of the mail's, and each text's "--=_boundary--", whose "=" is another's.
  EXPECT_EQ(boundaries, 5u);
  EXPECT_EQ(message.find("\r\n--=_boundary"), message.npos);
}

TEST(Compose, AddressesThatMayStandInNoHeaderAreRefused) {
  for (const std::string_view address :
       {"", "alice", "@example.com", "alice@", "a@example.com\r\nBcc: b@example.com",
        "a@example.com\nDATA", "a b@example.com", "a@example.com>", "<a@example.com",
        "\"a\tb\"@example.com", "a@exa\xffmple.com", "a@example.com\x7f"}) {
    auto wanted = mail();
    wanted.to = address;
    const auto out = compose(wanted, now);
    ASSERT_FALSE(out) << address;
    EXPECT_EQ(out.error().code, Errc::unavailable);
    if (!address.empty()) {
      EXPECT_EQ(out.error().reason.find(address), std::string::npos);
    }
    EXPECT_TRUE(refuse_sender(address)) << address;
  }
  auto wanted = mail();
  wanted.to = std::string(400, 'a') + "@example.com";
  EXPECT_FALSE(compose(wanted, now));
  EXPECT_TRUE(refuse_sender("A\r\nBcc: x@y <a@example.com>"));
  for (const std::string_view sender : {"webmaster@localhost", "A name <a@example.com>",
                                        "\"A, B\" <a@example.com>", "jörg@exämple.com"}) {
    EXPECT_FALSE(refuse_sender(sender)) << sender;
  }
}

TEST(Compose, LinesAreShort) {
  auto wanted = mail();
  wanted.text = std::string(5000, 'x') + ' ' + std::string(100, '=') + " \t\nA line.  \n" +
                std::string(75, 'y') + ".z" + "\n.dot";
  wanted.html = std::string(1000, '.');
  const auto message = composed(wanted);
  for (const auto& line : lines_of(message)) {
    EXPECT_LE(line.size(), 78u) << line;
    EXPECT_FALSE(line.ends_with(' ') || line.ends_with('\t')) << line;
    EXPECT_FALSE(line.starts_with('.')) << line;
  }
  EXPECT_EQ(part(message, "text/plain"), std::string(5000, 'x') + ' ' + std::string(100, '=') +
                                             " \t\r\nA line.  \r\n" + std::string(75, 'y') +
                                             ".z\r\n.dot\r\n");
  EXPECT_EQ(part(message, "text/html"), std::string(1000, '.') + "\r\n");
}

class Folder : public testing::Test {
 protected:
  ~Folder() override { fs::remove_all(path_); }

  std::vector<fs::path> files() const {
    return {fs::directory_iterator(path_), fs::directory_iterator()};
  }

  const fs::path path_ =
      fs::temp_directory_path() / ("easyjwt-mails-" + random_string(12, alphanumeric));
};

TEST_F(Folder, HasAFilePerMailForItsOwnerAlone) {
  Mailer mailer({.folder = path_.string()}, system_clock());
  ASSERT_TRUE(mailer.send(mail()));
  ASSERT_TRUE(mailer.send(mail()));
  ASSERT_EQ(files().size(), 2u);
  for (const auto& file : files()) {
    EXPECT_EQ(file.extension(), ".eml");
    EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    std::ifstream in(file, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    EXPECT_EQ(fields_of(text), usual_fields);
    EXPECT_EQ(part(text, "text/plain"), "Hello\r\n");
  }
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms::owner_all);
}

TEST_F(Folder, ThatCannotBeHadIsAnError) {
  Mailer mailer({.folder = (path_ / "a" / "b").string()}, system_clock());
  const auto done = mailer.send(mail());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unavailable);
  EXPECT_NE(done.error().reason.find("No such file"), std::string::npos) << done.error().reason;
  const NoWaiting here;
  EXPECT_EQ(mailer.send(mail()).error().code, Errc::would_wait);
}

TEST_F(Folder, IsAFile) {
  std::ofstream(path_) << "no folder";
  Mailer mailer({.folder = path_.string()}, system_clock());
  EXPECT_EQ(mailer.send(mail()).error().code, Errc::unavailable);
}

TEST(Smtp, AServerThatIsNotThereIsAnError) {
  Mailer mailer({.host = "127.0.0.1",
                 .port = 1,
                 .user = "somebody",
                 .password = Secret("geheim"),
                 .use_tls = true,
                 .timeout = std::chrono::seconds(2)},
                system_clock());
  const auto done = mailer.send(mail());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unavailable);
  EXPECT_TRUE(done.error().reason.starts_with("smtp://127.0.0.1:1: ")) << done.error().reason;
  EXPECT_EQ(done.error().reason.find("geheim"), std::string::npos);
}

}  // namespace
}  // namespace easyjwt::fetch
