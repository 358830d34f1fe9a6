// token issue, decode and verify: for operators.
#include <charconv>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <string>

#include "easyjwt/auth/signing_keys.hpp"
#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/jose/jws.hpp"
#include "service/commands/commands.hpp"
#include "service/project.hpp"
#include "service/remote_keys.hpp"

namespace easyjwt::commands {
namespace {

/// What an auth-service decides about tokens by.
struct Judges {
  explicit Judges(const ServiceSettings& settings, db::Database& database)
      : remote_keys(settings, no_log()),
        signing_keys(settings.token, settings.secret_key, settings.secret_key_fallbacks, database,
                     system_clock()),
        ring(uses_remote_keys(settings) ? nullptr : read_ring(signing_keys)),
        codec(settings.token, remote_keys.source(), [this] { return ring.get(); }),
        tools(settings, database, no_log()),
        tokens(settings.auth, codec, database, tools.accounts, system_clock(), no_log()) {}

  static std::unique_ptr<const KeyRing> read_ring(SigningKeys& keys) {
    auto ring = keys.ring();
    if (!ring) throw SettingsError("SECRET_KEY", ring.error().reason);
    return *std::move(ring);
  }

  RemoteKeys remote_keys;
  SigningKeys signing_keys;
  std::unique_ptr<const KeyRing> ring;
  TokenCodec codec;
  AccountTools tools;
  Tokens tokens;
};

/// Calls `work` with the Judges of a project.
template <class Work>
Result<int> with_judges(const std::string& config, Work work) {
  const auto loaded = read_settings(config);
  if (!loaded) return fail(loaded.error());
  if (loaded->settings.kind != ServiceKind::auth) {
    return refuse("this is a client-service; its auth-service knows about tokens");
  }
  const auto database = open_ready_database(loaded->settings.database, no_log());
  if (!database) return fail(database.error());
  try {
    Judges judges(loaded->settings, **database);
    return work(judges);
  } catch (const SettingsError& error) {
    return refuse(loaded->locate(error).str());
  }
}

/// The token itself; "-": what stdin has.
std::string read_token(const std::string& argument) {
  std::string text = argument;
  if (argument == "-") {
    // One byte more than any token: a file that was meant for something else need not be read.
    text.resize(jose::max_token_size + 1);
    std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(std::cin.gcount()));
  }
  constexpr std::string_view space = " \t\r\n";
  const auto first = text.find_first_not_of(space);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// Why a token is refused, for people.
std::string why(const Error& error) {
  if (!error.reason.empty()) return error.reason;
  if (!error.messages.empty()) return error.messages.front().message.str();
  return explain(error);
}

/// "in 4 min 10 s", "3 d 2 h ago".
std::string in_words(std::int64_t seconds) {
  const bool is_past = seconds < 0;
  auto rest = is_past ? -static_cast<std::uint64_t>(seconds) : static_cast<std::uint64_t>(seconds);
  std::string text;
  int shown = 0;
  for (const auto& [size, name] : {std::pair{86400U, "d"}, {3600U, "h"}, {60U, "min"}, {1U, "s"}}) {
    const auto count = rest / size;
    rest %= size;
    if ((count == 0 && (shown > 0 || size > 1)) || shown == 2) continue;
    text += (shown++ > 0 ? " " : "") + std::to_string(count) + " " + name;
  }
  return is_past ? text + " ago" : "in " + text;
}

bool is_instant(std::string_view claim, const TokenSettings& settings) {
  return claim == "exp" || claim == "iat" || claim == "nbf" ||
         claim == settings.sliding_refresh_exp_claim;
}

/// JSON may hold whatever a terminal takes for a command, and what turns the line around.
void print_safely(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte >= 0x7f) {
      std::printf("\\x%02x", static_cast<unsigned>(byte));
    } else {
      std::putchar(c);
    }
  }
}

void print_members(const char* title, const json::object& members, const TokenSettings* settings,
                   Time now) {
  std::printf("%s\n", title);
  for (const auto& [name, value] : members) {
    std::string text;
    append_json(text, value);
    std::fputs("  ", stdout);
    print_safely(name);
    std::fputs(": ", stdout);
    print_safely(text);
    // As a table would: years that no calendar has are left as they are.
    constexpr std::int64_t last = 253402300799;
    if (settings != nullptr && is_instant(name, *settings) && value.is_int64() &&
        value.get_int64() >= 0 && value.get_int64() <= last) {
      const auto at = value.get_int64();
      std::printf("  (%s, %s)", to_rfc3339(from_epoch_seconds(at)).c_str(),
                  in_words(at - epoch_seconds(now)).c_str());
    }
    std::putchar('\n');
  }
}

/// The two readable parts of a compact JWS, judged by nobody.
std::optional<json::object> part(std::string_view& raw) {
  const auto dot = raw.find('.');
  if (dot == raw.npos) return std::nullopt;
  const auto text = decode_base64url(raw.substr(0, dot));
  raw.remove_prefix(dot + 1);
  if (!text) return std::nullopt;
  auto value = parse_json(*text);
  if (!value || !value->is_object()) return std::nullopt;
  return std::move(value->get_object());
}

Result<User> find_user(Accounts& accounts, const std::string& who) {
  std::int64_t id = 0;
  const auto [end, ec] = std::from_chars(who.data(), who.data() + who.size(), id);
  const bool is_id = ec == std::errc() && end == who.data() + who.size();
  auto user = is_id ? accounts.find_by_id(id) : accounts.find_by_email(who);
  if (!user) return fail(user.error());
  if (!*user) return refuse("there is no user \"" + who + "\"");
  if (!(*user)->is_active) return refuse("the user \"" + who + "\" is not active");
  return **std::move(user);
}

}  // namespace

Result<int> token_decode(const std::string& config, const std::string& token) {
  return with_judges(config, [&](Judges& judges) -> Result<int> {
    const auto raw = read_token(token);
    if (raw.size() > jose::max_token_size) return refuse("this is longer than any token");
    std::string_view rest = raw;
    const auto header = part(rest);
    const auto claims = header ? part(rest) : std::nullopt;
    if (!claims) return refuse("this is no token: not two JSON objects and a signature");
    const auto now = system_clock()();
    print_members("header", *header, nullptr, now);
    print_members("claims", *claims, &judges.codec.settings(), now);
    const auto verdict = judges.tokens.check(raw);
    if (verdict) {
      std::puts("It stands.");
    } else if (verdict.error().code == Errc::unavailable) {
      return fail(verdict.error());
    } else {
      std::fputs("It would be refused: ", stdout);
      print_safely(why(verdict.error()));
      std::putchar('\n');
    }
    return 0;
  });
}

Result<int> token_verify(const std::string& config, const std::string& token) {
  return with_judges(config, [&](Judges& judges) -> Result<int> {
    const auto raw = read_token(token);
    const auto verdict = judges.tokens.check(raw);
    if (!verdict) return refuse("refused: " + why(verdict.error()));
    std::puts("It stands.");
    return 0;
  });
}

Result<int> token_issue(const std::string& config, const NewToken& wanted) {
  std::optional<TokenType> type;
  for (const auto known : {TokenType::access, TokenType::refresh, TokenType::sliding}) {
    if (to_string(known) == wanted.type) type = known;
  }
  if (!type) {
    return fail(Errc::usage, {},
                "token issue: \"" + wanted.type + "\" is neither access, refresh nor sliding");
  }
  std::optional<std::chrono::seconds> lifetime;
  if (!wanted.lifetime.empty()) {
    lifetime = parse_duration(wanted.lifetime);
    constexpr std::chrono::years most{100};  // beyond which instants overflow, one day
    if (!lifetime || *lifetime < std::chrono::seconds{1} || *lifetime > most) {
      return fail(
          Errc::usage, {},
          "token issue: \"" + wanted.lifetime + "\" is no lifetime like 90s, 5m, 12h or 1d");
    }
  }
  return with_judges(config, [&](Judges& judges) -> Result<int> {
    const auto user = find_user(judges.tools.accounts, wanted.user);
    if (!user) return fail(user.error());
    const auto raw = judges.tokens.issue(*user, *type, lifetime);
    if (!raw) return fail(raw.error());
    std::puts(raw->c_str());
    return 0;
  });
}

}  // namespace easyjwt::commands
