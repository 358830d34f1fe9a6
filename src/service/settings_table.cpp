#include "service/settings_table.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

#include "easyjwt/core/clock.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/token/token_type.hpp"
#include "service/forward_auth/path_rules.hpp"

namespace easyjwt {
namespace {

using Audience = SettingRow::Audience;
using Names = std::vector<std::string_view>;
using std::chrono::milliseconds;
using std::chrono::seconds;

// ---- what a value is in TOML

std::string_view kind(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "an integer";
    case toml::node_type::floating_point: return "a fraction";
    case toml::node_type::boolean: return "a boolean";
    case toml::node_type::array: return "a list";
    case toml::node_type::table: return "a table";
    case toml::node_type::none:
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: break;
  }
  return "a date or time";
}

std::string expected(std::string_view what, const toml::node& node) {
  return "expected " + std::string(what) + ", found " + std::string(kind(node));
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);  // JSON's escapes are TOML's, too
  return out;
}

template <class List, class Show>
std::string joined(const List& list, Show show) {
  std::string out;
  for (const auto& item : list) {
    if (!out.empty()) out += ", ";
    out += show(item);
  }
  return out;
}

// ---- a reader and a writer for each type of member: what is wrong with the node, or nothing

std::string read(const toml::node& node, bool& out) {
  const auto* value = node.as_boolean();
  if (value == nullptr) return expected("true or false", node);
  out = value->get();
  return {};
}
std::string show(bool value) { return value ? "true" : "false"; }

std::string read(const toml::node& node, std::int64_t& out) {
  const auto* value = node.as_integer();
  if (value == nullptr) return expected("an integer", node);
  if (value->get() < 0) return "must not be negative";
  out = value->get();
  return {};
}
std::string show(std::int64_t value) { return std::to_string(value); }

std::string read(const toml::node& node, unsigned& out) {
  std::int64_t value = 0;
  if (auto wrong = read(node, value); !wrong.empty()) return wrong;
  if (value > 1024) return "must be at most 1024";
  out = static_cast<unsigned>(value);
  return {};
}
std::string show(unsigned value) { return std::to_string(value); }

std::string read(const toml::node& node, std::string& out) {
  const auto* value = node.as_string();
  if (value == nullptr) return expected("a string", node);
  // NUL would cut a path or a claim short in the libraries below.
  if (value->get().find('\0') != std::string::npos) return "must not hold a NUL character";
  out = value->get();
  return {};
}
std::string show(const std::string& value) { return quoted(value); }

std::string read(const toml::node& node, Secret& out) {
  const auto* value = node.as_string();
  if (value == nullptr) return expected("a string", node);
  out = Secret(value->get());
  return {};
}
std::string show(const Secret&) { return "\"\""; }

std::string read(const toml::node& node, http::Network& out) {
  std::string text;
  if (auto wrong = read(node, text); !wrong.empty()) return wrong;
  auto network = http::Network::parse(text);
  if (!network) return std::move(network.error().reason);
  out = *network;
  return {};
}
std::string show(const http::Network& value) { return quoted(value.str()); }

std::string read(const toml::node& node, std::optional<std::string>& out) {
  std::string value;
  if (auto wrong = read(node, value); !wrong.empty()) return wrong;
  out.reset();
  if (!value.empty()) out = std::move(value);
  return {};
}
std::string show(const std::optional<std::string>& value) { return quoted(value.value_or("")); }

/// Seconds that may be left out: a cookie's age.
std::string read(const toml::node& node, std::optional<std::int64_t>& out) {
  out.reset();
  if (const auto* text = node.as_string(); text != nullptr && text->get().empty()) return {};
  return read(node, out.emplace());
}
std::string show(const std::optional<std::int64_t>& value) { return value ? show(*value) : "\"\""; }

std::string_view last_part(std::string_view dotted) {
  return dotted.substr(dotted.rfind('.') + 1);  // npos + 1 is 0
}

std::string read(const toml::node& node, TokenType& out) {
  std::string name;
  if (auto wrong = read(node, name); !wrong.empty()) return wrong;
  const auto type = token_type_of_class(last_part(name));
  if (!type || *type == TokenType::untyped) {
    return "must be of \"AccessToken\", \"RefreshToken\", \"SlidingToken\"";
  }
  out = *type;
  return {};
}
std::string show(TokenType type) { return quoted(class_name(type)); }

std::string read(const toml::node& node, VerifyMode& out) {
  std::string name;
  if (auto wrong = read(node, name); !wrong.empty()) return wrong;
  if (name != "remote" && name != "local") return "must be \"remote\" or \"local\"";
  out = name == "local" ? VerifyMode::local : VerifyMode::remote;
  return {};
}
std::string show(VerifyMode mode) { return mode == VerifyMode::local ? "\"local\"" : "\"remote\""; }

std::string_view name_of(StalenessPolicy policy) {
  switch (policy) {
    case StalenessPolicy::remote: return "remote";
    case StalenessPolicy::refuse: return "refuse";
    case StalenessPolicy::accept: break;
  }
  return "accept";
}
std::string read(const toml::node& node, StalenessPolicy& out) {
  std::string name;
  if (auto wrong = read(node, name); !wrong.empty()) return wrong;
  for (const auto each :
       {StalenessPolicy::remote, StalenessPolicy::refuse, StalenessPolicy::accept}) {
    if (name != name_of(each)) continue;
    out = each;
    return {};
  }
  return "must be \"remote\", \"refuse\" or \"accept\"";
}
std::string show(StalenessPolicy policy) { return quoted(name_of(policy)); }

template <class T>
std::string read(const toml::node& node, std::vector<T>& out) {
  const auto* list = node.as_array();
  if (list == nullptr) return expected("a list of strings", node);
  out.clear();
  for (const auto& item : *list) {
    T value;
    if (auto wrong = read(item, value); !wrong.empty()) return "in the list: " + wrong;
    out.push_back(std::move(value));
  }
  return {};
}
template <class T>
std::string show(const std::vector<T>& list) {
  return "[" + joined(list, [](const T& item) { return show(item); }) + "]";
}

std::string read(const toml::node& node, seconds& out) {
  static constexpr std::string_view what =
      "a lifetime: a number of seconds, or a string like \"90s\", \"5m\", \"12h\" or \"1d\"";
  std::optional<seconds> value;
  if (const auto* text = node.as_string()) {
    value = parse_duration(text->get());
  } else if (const auto* number = node.as_integer()) {
    value = parse_duration(std::to_string(number->get()));
  } else if (const auto* fraction = node.as_floating_point()) {
    const double whole = fraction->get();
    if (std::trunc(whole) != whole) return "must be a whole number of seconds";
    if (whole > 0 && whole < 1e10) {
      value = parse_duration(std::to_string(static_cast<std::int64_t>(whole)));
    }
  } else {
    return expected(what, node);
  }
  if (!value) return "is not " + std::string(what) + ", at most 100 years";
  if (*value == seconds{0}) return "must be at least one second";
  out = *value;
  return {};
}
std::string show(seconds value) {
  for (const auto& [unit, letter] : {std::pair{86400, 'd'}, {3600, 'h'}, {60, 'm'}}) {
    if (value.count() % unit == 0) {
      return '"' + std::to_string(value.count() / unit) + letter + '"';
    }
  }
  return '"' + std::to_string(value.count()) + "s\"";
}

std::string read(const toml::node& node, std::optional<seconds>& out) {
  out.reset();
  if (const auto* text = node.as_string(); text != nullptr && text->get().empty()) return {};
  return read(node, out.emplace());
}
std::string show(const std::optional<seconds>& value) { return value ? show(*value) : "\"\""; }

/// LEEWAY.
std::string read(const toml::node& node, double& out) {
  double value = -1;
  if (const auto* text = node.as_string()) {
    const auto duration = parse_duration(text->get());
    if (duration) value = static_cast<double>(duration->count());
  } else if (const auto* number = node.as_integer()) {
    value = static_cast<double>(number->get());
  } else if (const auto* fraction = node.as_floating_point()) {
    value = fraction->get();
  } else {
    return expected("a number of seconds or a string like \"5m\"", node);
  }
  // Written so that a NaN fails: with one no token would ever expire.
  if (!(value >= 0 && value <= 1e9)) return "must be a number of seconds, 0 to 1000000000";
  out = value;
  return {};
}
std::string show(double value) {
  auto text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

constexpr std::string_view not_configured = "is not configured";

/// REMOTE_AUTH_REQUEST_TIMEOUT: seconds, as a number or a duration.
std::string read(const toml::node& node, milliseconds& out) {
  double value = 0;
  if (auto wrong = read(node, value); !wrong.empty()) return wrong;
  if (value == 0) return std::string(not_configured);
  if (value > 3600) return "must be at most an hour";
  out = milliseconds{std::llround(std::ceil(value * 1000))};
  return {};
}
std::string show(milliseconds value) { return show(static_cast<double>(value.count()) / 1000); }

// ---- checks, which may also bring a value into its one form

using Check = std::function<std::string(std::string&)>;

Check one_of(Names names) {
  return [names = std::move(names)](std::string& value) -> std::string {
    if (std::find(names.begin(), names.end(), value) != names.end()) return {};
    return (names.size() == 1 ? "must be " : "must be one of ") + joined(names, quoted);
  };
}

/// The name of a Python class, dotted or not.
Check class_of(Names names) {
  return [check = one_of(std::move(names))](std::string& value) {
    value = std::string(last_part(value));
    return check(value);
  };
}

/// `check` for each member of a list that must have one.
auto each(Check check, std::size_t at_least = 0) {
  return [check = std::move(check), at_least](std::vector<std::string>& list) -> std::string {
    if (list.size() < at_least) return "must not be empty";
    for (auto& item : list) {
      if (auto wrong = check(item); !wrong.empty()) return "in the list: " + wrong;
    }
    return {};
  };
}

std::string not_empty(std::string& value) { return value.empty() ? "must not be empty" : ""; }

/// RFC 9110 section 5.6.2: what may be a field name, a scheme or a cookie's name.
std::string path_rule(std::string& value) {
  try {
    const PathRules judged({parse_path_rule(value)});
    return {};
  } catch (const SettingsError& error) {
    return error.what();
  }
}

std::string http_token(std::string& value) {
  static constexpr std::string_view special = "!#$%&'*+-.^_`|~";
  const bool sound = !value.empty() && std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           special.find(c) != special.npos;
  });
  return sound ? "" : "must be an HTTP token: letters, digits and " + std::string(special);
}

/// Django's name of a header in its environment ("HTTP_X_TOKEN"), or the header's own.
std::string header_name(std::string& value) {
  if (value.rfind("HTTP_", 0) == 0) {
    value.erase(0, 5);
    std::replace(value.begin(), value.end(), '_', '-');
  }
  return http_token(value);
}

std::string listen_address(std::string& value) {
  const auto colon = value.rfind(':');
  const char* const end = value.data() + value.size();
  const char* const digits = colon == value.npos ? end : value.data() + colon + 1;
  std::uint16_t port = 0;
  const auto [rest, error] = std::from_chars(digits, end, port);
  const bool sound = error == std::errc{} && rest == end;
  return sound ? "" : "must be ADDR:PORT, [ADDR6]:PORT or :PORT";
}

/// As it may stand in a URL: a name or an address.
std::string mail_host(std::string& value) {
  static constexpr std::string_view special = ".-_:[]";
  const bool sound = std::all_of(value.begin(), value.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           special.find(c) != special.npos;
  });
  const bool has_port = !value.starts_with('[') && value.find(':') != value.npos;
  return sound && !has_port ? "" : "must be a name or an address; the port is EMAIL_PORT";
}

std::string public_origin(std::string& value) {
  if (value.empty() || http::is_origin(value)) return {};
  return "must be an origin in lower case, like \"https://login.example.com\", with no path";
}

std::string hasher_name(std::string& value) {
  static constexpr std::pair<std::string_view, std::string_view> django[] = {
      {"Argon2PasswordHasher", "argon2"},          {"PBKDF2PasswordHasher", "pbkdf2_sha256"},
      {"PBKDF2SHA1PasswordHasher", "pbkdf2_sha1"}, {"BCryptSHA256PasswordHasher", "bcrypt_sha256"},
      {"BCryptPasswordHasher", "bcrypt"},          {"ScryptPasswordHasher", "scrypt"}};
  value = std::string(last_part(value));
  Names names;
  for (const auto& [class_, name] : django) {
    if (value == class_) value = name;
    names.push_back(name);
  }
  return one_of(std::move(names))(value);
}

std::string application(std::string& value) {
  if (value == "django.contrib.admin") value = "admin";
  return one_of({"easyjwt_auth", "easyjwt_auth.token_blacklist", "easyjwt_client", "easyjwt_user",
                 "admin"})(value);
}

std::string cookie_path(std::string& value) {
  return http::is_cookie_path(value) ? "" : "must begin with \"/\" and have no blank or \";\"";
}

std::string cookie_domain(std::optional<std::string>& value) {
  return !value || http::is_cookie_domain(*value) ? "" : "must be a domain, like \"example.com\"";
}

std::string given(std::optional<std::int64_t>& value) { return value ? "" : "must not be empty"; }

/// "https://host/" and "https://host" are one: paths are put behind it.
std::string without_slash(std::string& value) {
  while (value.ends_with('/')) value.pop_back();
  return {};
}

// ---- rows

/// The way to a member: at(&ServiceSettings::token, &TokenSettings::issuer).
template <class... Members>
auto at(Members... members) {
  return [=](auto& settings) -> auto& { return (settings.*....*members); };
}

template <class T>
std::string_view type_name(const T&) {
  if constexpr (std::is_same_v<T, bool>) return "true, false";
  if constexpr (std::is_enum_v<T>) return "string";
  if constexpr (std::is_integral_v<T>) return "integer";
  if constexpr (std::is_same_v<T, double> || std::is_same_v<T, milliseconds>) return "seconds";
  if constexpr (std::is_same_v<T, std::optional<std::int64_t>>) return "integer";
  if constexpr (std::is_same_v<T, seconds> || std::is_same_v<T, std::optional<seconds>>) {
    return "lifetime";
  }
  if constexpr (std::is_class_v<T> && requires(T t) { t.push_back({}); } &&
                !std::is_same_v<T, std::string>) {
    return "list of strings";
  }
  return "string";
}

template <class Path,
          class T = std::remove_reference_t<std::invoke_result_t<Path, ServiceSettings&>>>
SettingRow row(std::string_view key, Path path, std::string_view text,
               std::type_identity_t<std::function<std::string(T&)>> check = nullptr) {
  SettingRow row{.key = key, .type = type_name(T{}), .text = text};
  row.is_text = std::is_same_v<T, std::string> || std::is_same_v<T, Secret> ||
                std::is_same_v<T, std::optional<std::string>> || std::is_same_v<T, VerifyMode> ||
                std::is_same_v<T, StalenessPolicy>;
  row.secret = std::is_same_v<T, Secret> || std::is_same_v<T, std::vector<Secret>>;
  row.read = [path, check = std::move(check)](ServiceSettings& settings, const toml::node& node) {
    auto wrong = read(node, path(settings));
    if (wrong.empty() && check) wrong = check(path(settings));
    return wrong;
  };
  row.show = [path](const ServiceSettings& settings) { return show(path(settings)); };
  return row;
}

SettingRow required(SettingRow row) {
  row.required = true;
  return row;
}
SettingRow auth(SettingRow row) {
  row.audience = Audience::auth;
  return row;
}
/// What tokens are judged by, by whoever does.
SettingRow judging(SettingRow row) {
  row.judging = true;
  return auth(std::move(row));
}
SettingRow client(SettingRow row) {
  row.audience = Audience::client;
  return row;
}
SettingRow secret(SettingRow row) {
  row.secret = true;
  return row;
}
SettingRow shown_as(SettingRow row, std::string text) {
  row.show = [text = std::move(text)](const ServiceSettings&) { return text; };
  return row;
}
/// INSTALLED_APPS as a project of either kind has it.
SettingRow shown_applications(SettingRow row) {
  row.show = [](const ServiceSettings& settings) {
    return settings.kind == ServiceKind::client
               ? R"(["easyjwt_client", "easyjwt_user", "admin"])"
               : R"(["easyjwt_auth", "easyjwt_auth.token_blacklist", "easyjwt_user", "admin"])";
  };
  return row;
}

/// AUDIENCE is a string or a list, and goes into tokens as it was written.
SettingRow audience_row() {
  SettingRow row{.key = "EASY_JWT.AUDIENCE",
                 .type = "string or list",
                 .text = "the aud claim of tokens: written, and required to match; empty: none",
                 .audience = Audience::auth,
                 .judging = true};
  row.read = [](ServiceSettings& settings, const toml::node& node) -> std::string {
    auto& token = settings.token;
    token.audience.clear();
    token.audience_is_list = node.is_array();
    if (node.is_array()) return read(node, token.audience);
    std::string value;
    if (!node.is_string()) return expected("a string or a list of strings", node);
    auto wrong = read(node, value);
    if (!value.empty()) token.audience.push_back(std::move(value));
    return wrong;
  };
  row.show = [](const ServiceSettings& settings) {
    const auto& token = settings.token;
    if (token.audience_is_list) return show(token.audience);
    return token.audience.empty() ? std::string("\"\"") : show(token.audience.front());
  };
  return row;
}

/// The original's system check of the settings without which nothing can be asked.
SettingRow remote(SettingRow row) {
  row.check_id = "easyjwt_client.E001";
  row.read = [read = std::move(row.read), name = row.name()](
                 ServiceSettings& settings, const toml::node& node) -> std::string {
    auto wrong = read(settings, node);
    if (const auto* text = node.as_string(); text != nullptr && text->get().empty()) {
      wrong = not_configured;
    }
    if (wrong != not_configured) return wrong;
    return "EASY_JWT setting '" + std::string(name) + "' is required but not configured.";
  };
  return client(std::move(row));
}

/// ALLOWED_AUTH_ORIGINS, with the original's words.
SettingRow auth_origins_row() {
  SettingRow row{.key = "EASY_JWT.ALLOWED_AUTH_ORIGINS",
                 .type = "list of strings",
                 .text =
                     "origins of pages that may log in, refresh and log out with the cookie; "
                     "empty: any that CSRF protection lets through",
                 .audience = Audience::client,
                 .check_id = "easyjwt_client.E003"};
  row.read = [](ServiceSettings& settings, const toml::node& node) -> std::string {
    auto& origins = settings.allowed_auth_origins;
    origins.clear();
    if (const auto* text = node.as_string()) {
      if (text->get().empty()) return {};
      return "ALLOWED_AUTH_ORIGINS must be a list/tuple of origin strings, not a single string.";
    }
    if (auto wrong = read(node, origins); !wrong.empty()) return wrong;
    for (const auto& origin : origins) {
      if (http::is_origin(origin)) continue;
      return "ALLOWED_AUTH_ORIGINS entry '" + origin +
             "' is malformed. Each entry must be a bare 'http(s)://host[:port]' with no path, "
             "query, fragment, or trailing slash.";
    }
    return {};
  };
  row.show = [](const ServiceSettings& settings) { return show(settings.allowed_auth_origins); };
  return row;
}

SettingRow serializer(std::string_view key, std::string ServiceSettings::*member) {
  return auth(row(key, at(member), "one of the original's six, by its class's name",
                  class_of({"TokenObtainPairSerializer", "TokenRefreshSerializer",
                            "TokenVerifySerializer", "TokenBlacklistSerializer",
                            "TokenObtainSlidingSerializer", "TokenRefreshSlidingSerializer"})));
}

/// USER_MODEL_SERIALIZER as a table. What is wrong with a part of it is thrown with the part's key.
class SerializerReader {
 public:
  static SerializerSettings read_all(const toml::table& table) {
    SerializerSettings settings;
    for (const auto& [name, node] : table) {
      const auto key = root + std::string(".") + std::string(name.str());
      if (name == "fields") {
        take(key, node, settings.fields);
        if (settings.fields.empty()) throw SettingsError(key, "must not be empty");
      } else if (name == "related") {
        read_related(key, node, settings);
      } else {
        throw SettingsError(key, "is none of fields, related");
      }
    }
    return settings;
  }

 private:
  static constexpr const char* root = "EASY_JWT.USER_MODEL_SERIALIZER";

  template <class T>
  static void take(const std::string& key, const toml::node& node, T& out) {
    if (const auto wrong = read(node, out); !wrong.empty()) throw SettingsError(key, wrong);
  }

  static void read_related(const std::string& key, const toml::node& node,
                           SerializerSettings& settings) {
    const auto* list = node.as_array();
    if (list == nullptr) throw SettingsError(key, expected("a list of tables", node));
    for (std::size_t i = 0; i < list->size(); ++i) {
      const auto place = key + '[' + std::to_string(i) + ']';
      const auto* table = (*list)[i].as_table();
      if (table == nullptr) throw SettingsError(place, expected("a table", (*list)[i]));
      settings.related.push_back(read_nested(place, *table));
    }
  }

  static SerializerSettings::Nested read_nested(const std::string& place,
                                                const toml::table& table) {
    SerializerSettings::Nested nested;
    nested.table.setting = place;
    for (const auto& [name, node] : table) {
      const auto key = place + '.' + std::string(name.str());
      if (name == "name") {
        take(key, node, nested.name);
      } else if (name == "table") {
        take(key, node, nested.table.table);
      } else if (name == "foreign_key") {
        take(key, node, nested.table.foreign_key);
      } else if (name == "fields") {
        take(key, node, nested.table.fields);
      } else if (name == "many") {
        take(key, node, nested.table.many);
      } else if (name == "key") {
        take(key, node, nested.table.key);
      } else {
        throw SettingsError(key, "is none of name, table, foreign_key, fields, many, key");
      }
    }
    for (const char* needed : {"name", "table", "fields"}) {
      if (!table.contains(needed)) throw SettingsError(place + '.' + needed, "must be set");
    }
    return nested;
  }
};

SettingRow user_serializer_row() {
  SettingRow row{.key = "EASY_JWT.USER_MODEL_SERIALIZER",
                 .type = "string or table",
                 .text =
                     "what /auth/user/ shows, and what a client-service keeps of it: a class of "
                     "the program's own by its name, or fields and related tables "
                     "(docs/extra_data.md)"};
  row.read = [](ServiceSettings& settings, const toml::node& node) -> std::string {
    settings.declared_serializer.reset();
    if (const auto* table = node.as_table()) {
      settings.declared_serializer = SerializerReader::read_all(*table);
      return {};
    }
    std::string name;
    if (!node.is_string()) return expected("a string or a table", node);
    if (auto wrong = read(node, name); !wrong.empty()) return wrong;
    settings.user_model_serializer = std::string(last_part(name));
    return not_empty(settings.user_model_serializer);
  };
  row.show = [](const ServiceSettings& settings) {
    return settings.declared_serializer ? std::string("{...}")
                                        : show(settings.user_model_serializer);
  };
  return row;
}

std::vector<SettingRow> make_table() {
  using S = ServiceSettings;
  using C = ServiceSettings::Cookie;
  using T = TokenSettings;
  using A = AuthSettings;
  using X = http::CsrfSettings;
  using O = http::CorsSettings;
  using R = RemoteAuthSettings;
  using L = LocalSettings;
  using M = fetch::MailerSettings;
  const Names same_site{"Lax", "Strict", "None", ""};
  return {
      required(row("SECRET_KEY", at(&S::secret_key),
                   "signs sessions and CSRF tokens; SIGNING_KEY defaults to it")),
      row("SECRET_KEY_FALLBACKS", at(&S::secret_key_fallbacks),
          "still accepted, no longer used to sign"),
      row("DEBUG", at(&S::debug), "off in production"),
      row("LANGUAGE_CODE", at(&S::language_code),
          "the language of pages, mails and texts of errors where a request's Accept-Language "
          "names "
          "none of ours: en, de, es, fr; \"de-at\" is \"de\""),
      row("USE_I18N", at(&S::use_i18n),
          "go by Accept-Language; false: everything is in the language of LANGUAGE_CODE"),
      row("ALLOWED_HOSTS", at(&S::allowed_hosts),
          "names that the Host header may have: \"name\", \".domain\" (it and all beneath it) or "
          "\"*\"; any other is a 400"),
      shown_applications(required(
          row("INSTALLED_APPS", at(&S::installed_apps),
              "what runs: an auth-service has easyjwt_auth, a client-service "
              "easyjwt_client; without easyjwt_auth.token_blacklist no token is remembered",
              each(application)))),
      row("AUTHENTICATION_BACKENDS", at(&S::authentication_backends),
          "who judges a password of a session: ModelBackend; of a client-service "
          "RemoteAuthBackend, "
          "too",
          each(class_of({"ModelBackend", "RemoteAuthBackend"}), 1)),
      row("AUTH_PASSWORD_VALIDATORS", at(&S::password_validators),
          "what a new password must pass; Django's four",
          each(class_of({"UserAttributeSimilarityValidator", "MinimumLengthValidator",
                         "CommonPasswordValidator", "NumericPasswordValidator"}))),
      row("PASSWORD_HASHERS", at(&S::hasher, &HasherSettings::hashers),
          "the first one hashes, all of them verify", each(hasher_name, 1)),
      row("PASSWORD_UPGRADE", at(&S::hasher, &HasherSettings::upgrade),
          "re-hash at login what is of another algorithm than the first hasher's, or of lower "
          "work factors; false while a Django runs beside us"),

      row("SESSION_COOKIE_AGE", at(&S::session_cookie, &C::age), "seconds", given),
      row("SESSION_IDLE_AGE", at(&S::session_idle_age),
          "how long a session of a browser lives without being used; empty: as long as its cookie"),
      row("SESSION_COOKIE_NAME", at(&S::session_cookie, &C::name), "the cookie's name", http_token),
      row("SESSION_COOKIE_SECURE", at(&S::session_cookie, &C::secure), "over TLS only"),
      row("SESSION_COOKIE_HTTPONLY", at(&S::session_cookie, &C::http_only),
          "out of JavaScript's reach"),
      row("SESSION_COOKIE_SAMESITE", at(&S::session_cookie, &C::same_site),
          "Lax, Strict, None, or empty for no such attribute", one_of(same_site)),
      row("SESSION_COOKIE_DOMAIN", at(&S::session_cookie, &C::domain), "empty: none",
          cookie_domain),
      row("SESSION_COOKIE_PATH", at(&S::session_cookie, &C::path),
          "the path beneath which it is sent", cookie_path),
      row("CSRF_PROTECTION", at(&S::csrf_protection), "for what goes by a cookie"),
      row("CSRF_COOKIE_NAME", at(&S::csrf, &X::cookie, &C::name), "the cookie's name", http_token),
      row("CSRF_COOKIE_AGE", at(&S::csrf, &X::cookie, &C::age), "seconds", given),
      row("CSRF_COOKIE_SECURE", at(&S::csrf, &X::cookie, &C::secure), "over TLS only"),
      row("CSRF_COOKIE_HTTPONLY", at(&S::csrf, &X::cookie, &C::http_only),
          "out of JavaScript's reach"),
      row("CSRF_COOKIE_SAMESITE", at(&S::csrf, &X::cookie, &C::same_site),
          "Lax, Strict, None, or empty for no such attribute", one_of(same_site)),
      row("CSRF_COOKIE_DOMAIN", at(&S::csrf, &X::cookie, &C::domain), "empty: none", cookie_domain),
      row("CSRF_COOKIE_PATH", at(&S::csrf, &X::cookie, &C::path),
          "the path beneath which it is sent", cookie_path),
      shown_as(
          row("CSRF_HEADER_NAME", at(&S::csrf, &X::header_name),
              "the header that brings the CSRF token, by Django's name or its own", header_name),
          "\"HTTP_X_CSRFTOKEN\""),
      row("CSRF_TRUSTED_ORIGINS", at(&S::csrf, &X::trusted_origins),
          "origins whose pages may post to us: \"https://app.example.com\", or "
          "\"https://*.example.com\" for it and all beneath it"),
      row("CORS_ALLOWED_ORIGINS", at(&S::cors, &O::allowed_origins),
          "origins whose pages may read our answers: \"https://app.example.com\""),
      row("CORS_ALLOW_CREDENTIALS", at(&S::cors, &O::allow_credentials),
          "and may send our cookies along"),
      row("CORS_ALLOW_HEADERS", at(&S::cors, &O::allow_headers), "headers that those may send",
          each(http_token)),

      auth(row("EMAIL_HOST", at(&S::mailer, &M::host),
               "the SMTP server that mails go to; empty: each is written into a file of "
               "EMAIL_FILE_PATH",
               mail_host)),
      auth(row("EMAIL_PORT", at(&S::mailer, &M::port), "its port",
               [](std::int64_t& value) {
                 return value < 1 || value > 65535 ? "must be 1 to 65535" : "";
               })),
      auth(row("EMAIL_HOST_USER", at(&S::mailer, &M::user), "who logs in there; empty: nobody")),
      auth(row("EMAIL_HOST_PASSWORD", at(&S::mailer, &M::password), "and by which password")),
      auth(row("EMAIL_USE_TLS", at(&S::mailer, &M::use_tls),
               "TLS by STARTTLS, port 587 as a rule; nothing is sent without it")),
      auth(row("EMAIL_USE_SSL", at(&S::mailer, &M::use_ssl),
               "TLS from the first byte, port 465 as a rule; certificates are checked against the "
               "system's CAs or the file in $SSL_CERT_FILE")),
      auth(row("EMAIL_TIMEOUT", at(&S::mailer, &M::timeout), "how long sending a mail may take")),
      auth(row("EMAIL_FILE_PATH", at(&S::mailer, &M::folder),
               "the folder of mails that are not sent, made where there is none", not_empty)),
      auth(row("DEFAULT_FROM_EMAIL", at(&S::default_from_email),
               "whom mails are from: \"auth@example.com\" or \"A name <auth@example.com>\"",
               [](std::string& value) { return fetch::refuse_sender(value).value_or(""); })),
      auth(row("PASSWORD_RESET_TIMEOUT", at(&S::password_reset_timeout),
               "how long the link in a mail can be used")),
      auth(row("EMAIL_VERIFICATION", at(&S::email_verification),
               "who adds an account by /auth/create-user/ can log in once they have followed the "
               "link in a mail to its address")),
      auth(row("EMAIL_VERIFICATION_TIMEOUT", at(&S::email_verification_timeout),
               "how long that link can be used")),
      auth(row("PUBLIC_ORIGIN", at(&S::public_origin),
               "where links in mails lead: \"https://login.example.com\"; empty: to the host that "
               "was asked, one of ALLOWED_HOSTS",
               public_origin)),

      secret(row("DATABASE.URL", at(&S::database, &db::DatabaseSettings::url),
                 "sqlite:///FILE, relative to the settings file, or postgresql://... with "
                 "whatever libpq takes",
                 not_empty)),
      secret(row("DATABASE.LISTEN_URL", at(&S::database, &db::DatabaseSettings::listen_url),
                 "a direct line to PostgreSQL, where URL is a transaction-mode pooler such as "
                 "PgBouncer; set it, and nothing is kept in a session")),
      row("DATABASE.POOL_SIZE", at(&S::database, &db::DatabaseSettings::pool_size),
          "the most connections to PostgreSQL at one time"),

      row("SERVER.LISTEN", at(&S::server, &http::ServerSettings::listen),
          "ADDR:PORT, [ADDR6]:PORT or :PORT; port 0: any free one", listen_address),
      row("SERVER.THREADS", at(&S::server, &http::ServerSettings::threads),
          "threads that serve connections; 0: one per core"),
      row("SERVER.TLS_CERTIFICATE", at(&S::server, &http::ServerSettings::tls_certificate),
          "PEM file of the certificate and its chain, read again on SIGHUP; empty: plain HTTP"),
      row("SERVER.TLS_KEY", at(&S::server, &http::ServerSettings::tls_key), "PEM file of its key"),
      row("SERVER.TRUSTED_PROXIES", at(&S::server, &http::ServerSettings::trusted_proxies),
          "addresses and networks whose X-Forwarded-For and X-Forwarded-Proto are believed"),
      row("SERVER.DRAIN_SECONDS", at(&S::drain_seconds),
          "on SIGTERM: how long to go on serving while /readyz says \"draining\"",
          [](std::int64_t& value) { return value > 3600 ? "must be at most 3600" : ""; }),
      row("SERVER.LOG_FORMAT", at(&S::log_format), "\"text\" or \"json\", a line each, on stderr",
          one_of({"text", "json"})),

      row("REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES", at(&S::authentication_classes),
          "how callers show who they are; the first decides between 401 and 403",
          each(class_of({"JWTAuthentication", "EasyJWTAuthentication", "SessionAuthentication"}),
               1)),
      row("REST_FRAMEWORK.DEFAULT_PERMISSION_CLASSES", at(&S::permission_classes),
          "who may use a view of one's own that names no permission: all of these must say yes; "
          "the "
          "program's own views name theirs",
          each(class_of(
              {"IsAuthenticated", "AllowAny", "IsAdminUser", "IsAuthenticatedOrReadOnly"}))),

      client(row("FORWARD_AUTH.RULES", at(&S::forward_auth_rules),
                 "who may have what lies under a path: \"/public AllowAny\", \"GET,HEAD /api "
                 "IsAuthenticated\" (docs/forward-auth.md); what none fits is denied; without any "
                 "a login is enough",
                 each(path_rule))),
      client(row("FORWARD_AUTH.FIELDS", at(&S::forward_auth_fields),
                 "members of what GET /auth/user/ answers, that /auth/forward/ tells in a header "
                 "X-Auth-...")),

      auth(row("EASY_JWT.ACCESS_TOKEN_LIFETIME", at(&S::token, &T::access_lifetime),
               "how long an access token lives")),
      auth(row("EASY_JWT.REFRESH_TOKEN_LIFETIME", at(&S::token, &T::refresh_lifetime),
               "how long a refresh token lives")),
      auth(row("EASY_JWT.ROTATE_REFRESH_TOKENS", at(&S::auth, &A::rotate_refresh_tokens),
               "a refresh gives a new refresh token, too")),
      auth(row("EASY_JWT.BLACKLIST_AFTER_ROTATION", at(&S::auth, &A::blacklist_after_rotation),
               "and ends the old one; needs easyjwt_auth.token_blacklist")),
      auth(row("EASY_JWT.UPDATE_LAST_LOGIN", at(&S::auth, &A::update_last_login),
               "a login by token sets last_login (a write per login)")),
      judging(row("EASY_JWT.ALGORITHM", at(&S::token, &T::algorithm),
                  "HS, RS, ES or PS with 256, 384 or 512, or EdDSA",
                  one_of({"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384",
                          "ES512", "PS256", "PS384", "PS512", "EdDSA"}))),
      judging(row("EASY_JWT.SIGNING_KEY", at(&S::token, &T::signing_key),
                  "HS*: the secret; else the private key, PEM text or a file; empty: SECRET_KEY")),
      judging(row("EASY_JWT.VERIFYING_KEY", at(&S::token, &T::verifying_key),
                  "public key, PEM text or a file; empty: derived from SIGNING_KEY")),
      audience_row(),
      judging(row("EASY_JWT.ISSUER", at(&S::token, &T::issuer),
                  "the iss claim of tokens: written, and required to match; empty: none")),
      judging(
          row("EASY_JWT.JWK_URL", at(&S::jwk_url),
              "a JWK Set whose keys alone verify tokens, with an asymmetric ALGORITHM; an https:// "
              "URL is checked against the system's CAs or the file in $SSL_CERT_FILE")),
      judging(row("EASY_JWT.LEEWAY", at(&S::token, &T::leeway),
                  "how far clocks may be apart; may have a fraction")),
      judging(
          row("EASY_JWT.ACCESS_TOKEN_TYP", at(&S::token, &T::access_token_typ),
              "\"at+jwt\": access tokens say so in their header (RFC 9068), and those that say "
              "neither that nor \"JWT\" are refused; empty: \"JWT\", and nothing is refused by it",
              one_of({"", "at+jwt"}))),
      row("EASY_JWT.AUTH_HEADER_TYPES", at(&S::auth_header_types),
          "schemes before the token in its header", each(http_token, 1)),
      shown_as(
          row("EASY_JWT.AUTH_HEADER_NAME", at(&S::auth_header_name),
              "the header that brings the token; \"Authorization\" means the same", header_name),
          "\"HTTP_AUTHORIZATION\""),
      row("EASY_JWT.USER_ID_FIELD", at(&S::auth, &A::user_id_field),
          "which field of a user the token names: \"id\", \"pk\" or \"email\"",
          one_of({"id", "pk", "email"})),
      row("EASY_JWT.USER_ID_CLAIM", at(&S::token, &T::user_id_claim),
          "the claim that names the user", not_empty),
      auth(row("EASY_JWT.USER_AUTHENTICATION_RULE", at(&S::user_authentication_rule),
               "who may log in: the active", class_of({"default_user_authentication_rule"}))),
      judging(row("EASY_JWT.AUTH_TOKEN_CLASSES", at(&S::auth, &A::auth_token_classes),
                  "tokens that open views: \"AccessToken\", \"SlidingToken\"",
                  [](std::vector<TokenType>& list) {
                    return std::string(list.empty() ? "must not be empty" : "");
                  })),
      judging(row("EASY_JWT.TOKEN_TYPE_CLAIM", at(&S::token, &T::token_type_claim),
                  "the claim that says which class a token is of", not_empty)),
      judging(row("EASY_JWT.JTI_CLAIM", at(&S::token, &T::jti_claim),
                  "the claim that holds a token's id", not_empty)),
      auth(row("EASY_JWT.TOKEN_USER_CLASS", at(&S::token_user_class),
               "the user of a token without a database", class_of({"TokenUser"}))),
      auth(row("EASY_JWT.SLIDING_TOKEN_REFRESH_EXP_CLAIM",
               at(&S::token, &T::sliding_refresh_exp_claim),
               "the claim that says until when a sliding token may be refreshed", not_empty)),
      auth(row("EASY_JWT.SLIDING_TOKEN_LIFETIME", at(&S::token, &T::sliding_lifetime),
               "how long a sliding token opens views")),
      auth(row("EASY_JWT.SLIDING_TOKEN_REFRESH_LIFETIME",
               at(&S::token, &T::sliding_refresh_lifetime), "how long it may be refreshed")),
      serializer("EASY_JWT.TOKEN_OBTAIN_SERIALIZER", &S::token_obtain_serializer),
      serializer("EASY_JWT.TOKEN_REFRESH_SERIALIZER", &S::token_refresh_serializer),
      serializer("EASY_JWT.TOKEN_VERIFY_SERIALIZER", &S::token_verify_serializer),
      serializer("EASY_JWT.TOKEN_BLACKLIST_SERIALIZER", &S::token_blacklist_serializer),
      serializer("EASY_JWT.SLIDING_TOKEN_OBTAIN_SERIALIZER", &S::sliding_token_obtain_serializer),
      serializer("EASY_JWT.SLIDING_TOKEN_REFRESH_SERIALIZER", &S::sliding_token_refresh_serializer),
      auth(row("EASY_JWT.CHECK_REVOKE_TOKEN", at(&S::auth, &A::check_revoke_token),
               "a changed password ends the tokens from before it")),
      auth(row("EASY_JWT.REVOKE_TOKEN_CLAIM", at(&S::token, &T::revoke_token_claim),
               "the claim that holds the password's fingerprint", not_empty)),
      user_serializer_row(),

      auth(row("EASY_JWT.CREATE_USER_OPEN", at(&S::auth, &A::create_user_open),
               "anyone may create users; false: staff only")),
      auth(row("EASY_JWT.FLUSH_INTERVAL", at(&S::flush_interval),
               "how often the service deletes expired tokens by itself; empty: never")),
      row("EASY_JWT.LOGIN_HISTORY", at(&S::login_history),
          "how long it is kept who logged in, and who was refused, with the client's address and "
          "user agent (docs/security.md); empty: nothing is recorded",
          [](std::optional<std::chrono::seconds>& value) {
            return value && *value < std::chrono::hours{24} ? "must be at least 1d" : "";
          }),
      auth(row("EASY_JWT.STORE_TOKEN_TEXT", at(&S::auth, &A::store_token_text),
               "false: a token's row has its id alone, so that a database that leaks holds no "
               "token that could be used")),
      auth(row("EASY_JWT.DETECT_REUSE", at(&S::auth, &A::detect_reuse),
               "a refresh token that rotation has blacklisted ends its family when it comes again "
               "after ROTATION_GRACE; needs SESSION_CLAIM, ROTATE_REFRESH_TOKENS and "
               "BLACKLIST_AFTER_ROTATION")),
      auth(row(
          "EASY_JWT.ROTATION_GRACE", at(&S::auth, &A::rotation_grace),
          "seconds in which a token that rotation has blacklisted gets the same pair again, for "
          "a client that lost the answer",
          [](std::int64_t& value) { return value > 300 ? "must be at most 300" : ""; })),
      judging(
          row("EASY_JWT.SESSION_CLAIM", at(&S::auth, &A::session_claim),
              "the claim that names a token's family, \"sid\" say: each login begins one, which "
              "is recorded, listed by /auth/sessions/, and ends with all of its tokens; empty: "
              "there are no families")),
      auth(row("EASY_JWT.KEY_ROTATION_INTERVAL", at(&S::key_rotation_interval),
               "how often the service makes a new signing key, in the database (docs/keys.md); "
               "empty: never",
               [](std::optional<std::chrono::seconds>& value) {
                 return value && *value < std::chrono::hours{1} ? "must be at least 1h" : "";
               })),
      client(
          row("EASY_JWT.VERIFY_MODE", at(&S::verify_mode),
              "who judges a token: \"remote\", the auth-service at every request; \"local\", the "
              "service itself by ALGORITHM and SIGNING_KEY, VERIFYING_KEY or JWK_URL "
              "(docs/security.md)")),
      client(
          row("EASY_JWT.LOCAL_USER_LIFETIME", at(&S::local, &L::user_lifetime),
              "with VERIFY_MODE \"local\", how long what the auth-service said of a user is taken "
              "for true where no feed says otherwise")),
      client(
          row("EASY_JWT.FEED_CLIENT_ID", at(&S::local, &L::feed_client_id),
              "with VERIFY_MODE \"local\", a client of the auth-service's that may read its "
              "revocation feed, which is then followed; empty: a token stands until it expires")),
      client(
          row("EASY_JWT.FEED_CLIENT_SECRET", at(&S::local, &L::feed_client_secret), "its secret")),
      client(row("EASY_JWT.MAX_STALENESS", at(&S::local, &L::max_staleness),
                 "how long ago it may have been heard last what has been revoked, before "
                 "STALENESS_POLICY decides")),
      client(row("EASY_JWT.STALENESS_POLICY", at(&S::local, &L::staleness_policy),
                 "what is done with a token while there are no keys to verify it by or the feed is "
                 "older than MAX_STALENESS: \"remote\", ask the auth-service; \"refuse\", 503; "
                 "\"accept\", go by what was known last (without any keys: 503)")),

      remote(row("EASY_JWT.REMOTE_AUTH_SERVICE_URL", at(&S::remote, &R::service_url),
                 "the auth-service, http:// or https://; its certificate is checked against the "
                 "system's CAs or the file in $SSL_CERT_FILE",
                 without_slash)),
      remote(row("EASY_JWT.REMOTE_AUTH_SERVICE_TOKEN_PATH", at(&S::remote, &R::token_path),
                 "logs in")),
      remote(row("EASY_JWT.REMOTE_AUTH_SERVICE_REFRESH_PATH", at(&S::remote, &R::refresh_path),
                 "refreshes")),
      remote(row("EASY_JWT.REMOTE_AUTH_SERVICE_VERIFY_PATH", at(&S::remote, &R::verify_path),
                 "verifies")),
      remote(row("EASY_JWT.REMOTE_AUTH_SERVICE_USER_PATH", at(&S::remote, &R::user_path),
                 "shows the user of a token")),
      remote(row("EASY_JWT.REMOTE_AUTH_SERVICE_PASSWORD_CHANGE_PATH",
                 at(&S::remote, &R::password_change_path), "changes a password")),
      remote(row("EASY_JWT.REMOTE_AUTH_SERVICE_BLACKLIST_PATH", at(&S::remote, &R::blacklist_path),
                 "ends a refresh token")),
      remote(row("EASY_JWT.REMOTE_AUTH_REQUEST_TIMEOUT", at(&S::remote, &R::request_timeout),
                 "how long the auth-service is waited for; may have a fraction")),
      remote(row("EASY_JWT.REMOTE_AUTH_SSL_VERIFY", at(&S::remote, &R::ssl_verify),
                 "the auth-service's certificate is verified")),
      client(row("EASY_JWT.REFRESH_TOKEN_IN_COOKIE", at(&S::refresh_token_in_cookie),
                 "browsers get the refresh token in a cookie that JavaScript cannot read, never in "
                 "an answer")),
      client(row("EASY_JWT.AUTH_COOKIE_NAME", at(&S::refresh_cookie, &C::name), "the cookie's name",
                 http_token)),
      client(row("EASY_JWT.AUTH_COOKIE_HTTP_ONLY", at(&S::refresh_cookie, &C::http_only),
                 "out of JavaScript's reach")),
      client(
          row("EASY_JWT.AUTH_COOKIE_SECURE", at(&S::refresh_cookie, &C::secure), "over TLS only")),
      client(row("EASY_JWT.AUTH_COOKIE_SAMESITE", at(&S::refresh_cookie, &C::same_site),
                 "Lax, Strict, None, or empty for no such attribute", one_of(same_site))),
      client(row("EASY_JWT.AUTH_COOKIE_PATH", at(&S::refresh_cookie, &C::path),
                 "the path beneath which it is sent", cookie_path)),
      client(row("EASY_JWT.AUTH_COOKIE_DOMAIN", at(&S::refresh_cookie, &C::domain), "empty: none",
                 cookie_domain)),
      client(row("EASY_JWT.AUTH_COOKIE_MAX_AGE", at(&S::refresh_cookie, &C::age),
                 "seconds; empty: until the browser closes")),
      auth_origins_row(),
      client(row("EASY_JWT.BLACKLIST_ON_LOGOUT", at(&S::blacklist_on_logout),
                 "a logout ends the refresh token at the auth-service")),
  };
}

}  // namespace

std::string_view SettingRow::section() const {
  const auto dot = key.find('.');
  return dot == key.npos ? std::string_view{} : key.substr(0, dot);
}

std::string_view SettingRow::name() const { return last_part(key); }

const std::vector<SettingRow>& settings_table() {
  static const std::vector<SettingRow> table = make_table();
  return table;
}

}  // namespace easyjwt
