#include "easyjwt/service/settings.hpp"

#include <toml++/toml.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cctype>
#include <filesystem>
#include <memory>
#include <numeric>

#include "easyjwt/auth/tokens.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/core/unicode.hpp"
#include "service/file.hpp"
#include "service/settings_table.hpp"

namespace easyjwt {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_file = 1024 * 1024;
constexpr std::size_t max_key_file = 64 * 1024;
constexpr std::string_view prefix = "EASYJWT_";

const SettingRow* find_row(std::string_view key) {
  const auto& table = settings_table();
  const auto row =
      std::find_if(table.begin(), table.end(), [&](const auto& r) { return r.key == key; });
  return row == table.end() ? nullptr : &*row;
}

bool is_section(std::string_view name) {
  const auto& table = settings_table();
  return !name.empty() && std::any_of(table.begin(), table.end(),
                                      [&](const auto& row) { return row.section() == name; });
}

/// How many letters apart two names are, case aside (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  const auto upper = [](char c) { return std::toupper(static_cast<unsigned char>(c)); };
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (upper(a[i]) == upper(b[j]) ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

struct KeyParts {
  std::string_view section;
  std::string_view name;
};
KeyParts take_apart(std::string_view key) {
  const auto dot = key.rfind('.');
  return dot == key.npos ? KeyParts{{}, key} : KeyParts{key.substr(0, dot), key.substr(dot + 1)};
}

/// "is not a setting; did you mean ...?". The section counts a little, so that a key that got below
/// the wrong [SECTION] is found, too.
std::string unknown(std::string_view key) {
  const auto wrong = take_apart(key);
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(2, wrong.name.size() / 4) * 2 + 1;
  const auto consider = [&](std::string_view candidate) {
    const auto other = take_apart(candidate);
    const std::size_t apart =
        distance(wrong.name, other.name) * 2 + (wrong.section == other.section ? 0 : 1);
    if (apart < best_distance) best = candidate, best_distance = apart;
  };
  // A long name costs time here and cannot be near.
  if (wrong.name.size() <= 64) {
    for (const auto& row : settings_table()) consider(row.key), consider(row.section());
  }
  if (best.empty()) return "is not a setting";
  return "is not a setting; did you mean " + std::string(best) + "?";
}

/// JSON as TOML: what a list in an environment variable is. null is an empty text: not set.
std::unique_ptr<toml::node> to_toml(const json::value& value) {
  switch (value.kind()) {
    case json::kind::bool_: return std::make_unique<toml::value<bool>>(value.get_bool());
    case json::kind::int64: return std::make_unique<toml::value<std::int64_t>>(value.get_int64());
    case json::kind::uint64:
      return std::make_unique<toml::value<double>>(static_cast<double>(value.get_uint64()));
    case json::kind::double_: return std::make_unique<toml::value<double>>(value.get_double());
    case json::kind::string:
      return std::make_unique<toml::value<std::string>>(std::string(value.get_string()));
    case json::kind::null: return std::make_unique<toml::value<std::string>>(std::string());
    case json::kind::array: {
      auto list = std::make_unique<toml::array>();
      for (const auto& item : value.get_array()) list->push_back(*to_toml(item));
      return list;
    }
    case json::kind::object: break;
  }
  auto table = std::make_unique<toml::table>();
  for (const auto& [key, item] : value.get_object())
    table->insert(std::string(key), *to_toml(item));
  return table;
}

/// Overwrites every text in what toml++ made of a settings file: keys are among them.
void wipe_texts(toml::node& node) {
  node.visit([](auto& it) {
    if constexpr (toml::is_string<decltype(it)>) wipe(it.get());
    if constexpr (toml::is_array<decltype(it)>) {
      for (auto& item : it) wipe_texts(item);
    }
    if constexpr (toml::is_table<decltype(it)>) {
      for (auto&& [key, item] : it) wipe_texts(item);
    }
  });
}

/// Gathers where each value comes from, then reads the table's rows from it.
class Loader {
 public:
  explicit Loader(const std::string& file) {
    std::error_code ignored;
    loaded_.file = fs::absolute(file, ignored).lexically_normal().string();
  }
  ~Loader() {
    for (auto& node : trees_) wipe_texts(*node);
  }
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;

  LoadedSettings load(const Environment& environment) {
    if (!take_file()) return std::move(loaded_);
    for (const auto& [name, value] : environment) take_variable(name, value);
    take_kind();
    for (const auto& row : settings_table()) read(row);
    if (loaded_.errors.empty()) finish();
    return std::move(loaded_);
  }

 private:
  struct Source {
    const toml::node* node;
    std::string place;
  };

  void error(std::string place, std::string_view key, std::string what) {
    loaded_.errors.push_back({std::move(place), std::string(key), std::move(what)});
  }
  /// An error in the value of a key that is known.
  void error(std::string_view key, std::string what) {
    loaded_.errors.push_back(loaded_.locate(SettingsError(std::string(key), what)));
  }

  bool take_file() {
    auto text = read_file(loaded_.file, max_file);
    if (!text) {
      error(loaded_.file, "", text.error().reason);
      return false;
    }
    try {
      auto tree = std::make_unique<toml::table>(toml::parse(*text, loaded_.file));
      wipe(*text);
      take_table(*tree, [&](const toml::node& node) {
        return loaded_.file + ':' + std::to_string(node.source().begin.line);
      });
      trees_.push_back(std::move(tree));
      return true;
    } catch (const toml::parse_error& wrong) {
      wipe(*text);
      error(loaded_.file + ':' + std::to_string(wrong.source().begin.line), "",
            std::string(wrong.description()));
      return false;
    }
  }

  template <class Place>
  void take_table(const toml::table& table, const Place& place) {
    for (const auto& [name, node] : table) {
      const std::string_view key = name.str();
      if (!is_section(key)) {
        take(std::string(key), node, place(node));
      } else if (const auto* section = node.as_table()) {
        take_section(key, *section, place);
      } else {
        error(place(node), key, "must be a table: [" + std::string(key) + "]");
      }
    }
  }

  template <class Place>
  void take_section(std::string_view section, const toml::table& table, const Place& place) {
    for (const auto& [name, node] : table) {
      take(std::string(section) + '.' + std::string(name.str()), node, place(node));
    }
  }

  void take(std::string key, const toml::node& node, std::string place) {
    if (find_row(key) == nullptr) return error(std::move(place), key, unknown(key));
    sources_.insert_or_assign(std::move(key), Source{&node, std::move(place)});
  }

  void take_variable(const std::string& name, const std::string& text) {
    // These belong to the program and to one command.
    for (const std::string_view other :
         {"EASYJWT_CONFIG", "EASYJWT_SUPERUSER_EMAIL", "EASYJWT_SUPERUSER_PASSWORD"}) {
      if (name == other) return;
    }
    std::string key = name.substr(prefix.size());
    if (const auto at = key.find("__"); at != key.npos) key.replace(at, 2, ".");
    const auto* row = find_row(key);
    if (row == nullptr && !is_section(key)) {
      // Not an error: Kubernetes sets EASYJWT_SERVICE_HOST and the like for a service "easyjwt".
      loaded_.warnings.push_back({name, "", unknown(key)});
      return;
    }
    std::unique_ptr<toml::node> node;
    if (row == nullptr || !row->is_text) {
      if (const auto value = parse_json(text)) node = to_toml(*value);
    }
    if (node == nullptr) node = std::make_unique<toml::value<std::string>>(text);
    trees_.push_back(std::move(node));
    const auto& value = *trees_.back();
    if (row != nullptr) return take(std::move(key), value, name);
    if (!value.is_table()) return error(name, key, "must be a table, written as a JSON object");
    take_section(key, *value.as_table(), [&](const toml::node&) { return name; });
  }

  /// Where a value was set, and where the values in it.
  void add_places(const std::string& key, const toml::node& node, const std::string& place) {
    loaded_.places.emplace(key, place);
    const auto place_of = [&](const toml::node& part) {
      const auto line = part.source().begin.line;
      return place.starts_with(loaded_.file) ? loaded_.file + ':' + std::to_string(line) : place;
    };
    if (const auto* table = node.as_table()) {
      for (const auto& [name, part] : *table) {
        add_places(key + '.' + std::string(name.str()), part, place_of(part));
      }
    } else if (const auto* list = node.as_array(); list != nullptr && list->is_array_of_tables()) {
      for (std::size_t i = 0; i < list->size(); ++i) {
        add_places(key + '[' + std::to_string(i) + ']', (*list)[i], place_of((*list)[i]));
      }
    }
  }

  void read(const SettingRow& row) {
    const auto source = sources_.find(row.key);
    if (source == sources_.end()) {
      if (row.required) error(loaded_.file, row.key, "must be set");
      return;
    }
    const auto& [node, place] = source->second;
    add_places(std::string(row.key), *node, place);
    std::string wrong;
    try {
      wrong = row.read(loaded_.settings, *node);
    } catch (const SettingsError& of_a_part) {
      loaded_.errors.push_back(loaded_.locate(of_a_part));
      return;
    }
    if (!wrong.empty()) {
      error(place, row.key, std::move(wrong));
      loaded_.errors.back().id = row.check_id;
    } else if (is_of_the_other(row) && changes_something(row, *node)) {
      refuse_the_others(row, place);
    }
  }

  // ---- which of the two services it is

  /// From INSTALLED_APPS, before anything else is read: some defaults go by it.
  void take_kind() {
    const auto source = sources_.find("INSTALLED_APPS");
    if (source == sources_.end()) return;
    const auto* apps = source->second.node->as_array();
    if (apps == nullptr) return;
    for (const auto& app : *apps) {
      const auto name = app.value<std::string_view>();
      if (name == "easyjwt_client") loaded_.settings = ServiceSettings::of(ServiceKind::client);
    }
    const auto mode = sources_.find("EASY_JWT.VERIFY_MODE");
    judges_ = mode != sources_.end() && mode->second.node->value_or(std::string_view()) == "local";
  }

  bool is_of_the_other(const SettingRow& row) const {
    using enum SettingRow::Audience;
    if (loaded_.settings.kind == ServiceKind::auth) return row.audience == client;
    return row.audience == auth && !(judges_ && row.judging);
  }

  /// Whether a value is another than the setting's default, which may stand anywhere.
  bool changes_something(const SettingRow& row, const toml::node& node) const {
    // What is shown of a secret is nothing.
    if (row.secret) return node.value_or(std::string_view("?")) != "";
    return row.show(loaded_.settings) != row.show(ServiceSettings::of(loaded_.settings.kind));
  }

  /// To ignore what somebody set for safety would be a hole. Variables may be meant for the whole
  /// fleet.
  void refuse_the_others(const SettingRow& row, const std::string& place) {
    const std::string what = loaded_.settings.kind == ServiceKind::client
                                 ? "is of the auth-service: a client-service has no use for it"
                                 : "is of the client-service: an auth-service has no use for it";
    auto& list = place.starts_with(prefix) ? loaded_.warnings : loaded_.errors;
    list.push_back({place, std::string(row.key), what});
  }

  // ---- what concerns more than one setting, or the disk

  void finish() {
    auto& s = loaded_.settings;
    if (s.secret_key.empty()) error("SECRET_KEY", "must not be empty");
    s.auth.secret = s.secret_key;
    finish_applications();
    finish_serializer();
    if (s.kind == ServiceKind::client) {
      finish_client();
    } else {
      finish_token_keys();
      finish_claims();
      finish_auth();
      finish_mail();
    }
    finish_database();
    if (s.server.tls_certificate.empty() != s.server.tls_key.empty()) {
      error("SERVER.TLS_KEY", "and SERVER.TLS_CERTIFICATE must be set together");
    }
    for (auto* path : {&s.server.tls_certificate, &s.server.tls_key}) {
      if (!path->empty()) *path = absolute(*path);
    }
  }

  std::string absolute(const std::string& path) const {
    return (fs::path(loaded_.file).parent_path() / path).lexically_normal().string();
  }

  void finish_applications() {
    auto& s = loaded_.settings;
    const auto installed = [&](std::string_view name) {
      return std::find(s.installed_apps.begin(), s.installed_apps.end(), name) !=
             s.installed_apps.end();
    };
    if (s.kind == ServiceKind::client) {
      if (installed("easyjwt_auth") || installed("easyjwt_auth.token_blacklist")) {
        error("INSTALLED_APPS", "a service has easyjwt_auth or easyjwt_client, not both");
      } else if (!installed("easyjwt_user")) {
        error("INSTALLED_APPS", "a client-service needs easyjwt_client and easyjwt_user");
      }
      refuse_class("REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES", s.authentication_classes,
                   "JWTAuthentication", "auth-service");
      return;
    }
    if (!installed("easyjwt_auth") || !installed("easyjwt_user")) {
      error("INSTALLED_APPS", "an auth-service needs easyjwt_auth and easyjwt_user");
    }
    refuse_class("AUTHENTICATION_BACKENDS", s.authentication_backends, "RemoteAuthBackend",
                 "client-service");
    refuse_class("REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES", s.authentication_classes,
                 "EasyJWTAuthentication", "client-service");
    s.auth.token_blacklist = installed("easyjwt_auth.token_blacklist");
  }

  /// As far as it can be judged without a database.
  void finish_serializer() {
    const auto& declared = loaded_.settings.declared_serializer;
    if (!declared) return;
    try {
      BoundSerializer::check(*make_declared_serializer(*declared));
    } catch (const SettingsError& wrong) {
      loaded_.errors.push_back(loaded_.locate(wrong));
    }
  }

  void refuse_class(std::string_view key, const std::vector<std::string>& list,
                    std::string_view name, const char* whose) {
    if (std::find(list.begin(), list.end(), name) == list.end()) return;
    error(key, "in the list: " + std::string(name) + " is the " + whose + "'s");
  }

  void finish_client() {
    auto& s = loaded_.settings;
    s.remote.auth_header_type = s.auth_header_types.front();
    if (judges_) {
      finish_verifying_key();
      finish_claims();
    }
    if (s.local.feed_client_id.empty() != s.local.feed_client_secret.empty()) {
      error(s.local.feed_client_id.empty() ? "EASY_JWT.FEED_CLIENT_ID"
                                           : "EASY_JWT.FEED_CLIENT_SECRET",
            "must be set, too: FEED_CLIENT_ID and FEED_CLIENT_SECRET are of use only together");
    }
    if (s.refresh_token_in_cookie && !s.csrf_protection) {
      error("CSRF_PROTECTION", "REFRESH_TOKEN_IN_COOKIE is enabled but CSRF_PROTECTION is off.");
      loaded_.errors.back().id = "easyjwt_client.E002";
    }
  }

  void finish_token_keys() {
    auto& s = loaded_.settings;
    auto& token = s.token;
    if (token.algorithm.rfind("HS", 0) == 0) {
      if (token.signing_key.empty()) token.signing_key = s.secret_key;
      return;
    }
    if (token.signing_key.empty()) {
      error("EASY_JWT.SIGNING_KEY", "must be a private key for ALGORITHM " + token.algorithm);
    } else if (auto pem = read_pem("EASY_JWT.SIGNING_KEY", token.signing_key.view())) {
      token.signing_key = Secret(std::move(*pem));
    }
    finish_verifying_key();
  }

  void finish_verifying_key() {
    auto& token = loaded_.settings.token;
    if (token.verifying_key.empty() || token.algorithm.starts_with("HS")) return;
    if (auto pem = read_pem("EASY_JWT.VERIFYING_KEY", token.verifying_key)) {
      token.verifying_key = std::move(*pem);
    }
  }

  /// The value is never shown: someone who forgot ALGORITHM has a shared secret there, not a path.
  std::optional<std::string> read_pem(std::string_view key, std::string_view value) {
    if (value.find("-----BEGIN ") != value.npos) return std::string(value);
    std::optional<std::string> pem;
    if (value.size() < 4096) {
      if (auto text = read_file(absolute(std::string(value)), max_key_file)) pem = *std::move(text);
    }
    if (!pem || pem->find("-----BEGIN ") == pem->npos) {
      error(key, "is neither PEM text nor the path of a readable PEM file");
      return std::nullopt;
    }
    return pem;
  }

  /// A claim that had another's name would overwrite it: an expiry, say.
  void finish_claims() {
    const auto& token = loaded_.settings.token;
    const std::array<std::pair<std::string_view, std::string_view>, 6> claims{{
        {"EASY_JWT.USER_ID_CLAIM", token.user_id_claim},
        {"EASY_JWT.TOKEN_TYPE_CLAIM", token.token_type_claim},
        {"EASY_JWT.JTI_CLAIM", token.jti_claim},
        {"EASY_JWT.SLIDING_TOKEN_REFRESH_EXP_CLAIM", token.sliding_refresh_exp_claim},
        {"EASY_JWT.REVOKE_TOKEN_CLAIM", token.revoke_token_claim},
        {"EASY_JWT.SESSION_CLAIM", loaded_.settings.auth.session_claim},
    }};
    for (auto claim = claims.begin(); claim != claims.end(); ++claim) {
      for (const std::string_view reserved : {"exp", "iat", "nbf", "aud", "iss"}) {
        if (claim->second == reserved)
          error(claim->first, "must not be a claim of its own meaning");
      }
      for (auto other = claims.begin(); other != claim; ++other) {
        if (claim->second == other->second) {
          error(claim->first, "must not be the same as " + std::string(other->first));
        }
      }
    }
  }

  void finish_auth() {
    const auto& s = loaded_.settings;
    if (s.email_verification && !s.hasher.hashers.empty() &&
        lower(s.hasher.hashers.front()).find("scrypt") != std::string::npos) {
      error("EMAIL_VERIFICATION", "is not to be had with scrypt as the first of PASSWORD_HASHERS");
    }
    try {
      Tokens::check_settings(loaded_.settings.auth);
    } catch (const SettingsError& wrong) {
      loaded_.errors.push_back(loaded_.locate(wrong));
    }
  }

  void finish_mail() {
    auto& s = loaded_.settings;
    if (s.mailer.use_tls && s.mailer.use_ssl) {
      error("EMAIL_USE_TLS", "and EMAIL_USE_SSL exclude each other");
    }
    s.mailer.folder = absolute(s.mailer.folder);
  }

  void finish_database() {
    static constexpr std::string_view sqlite = "sqlite:///";
    auto& url = loaded_.settings.database.url;
    if (loaded_.settings.database.pool_size == 0) error("DATABASE.POOL_SIZE", "must be above 0");
    const bool is_postgresql = url.starts_with("postgresql://") || url.starts_with("postgres://");
    if (!is_postgresql && !loaded_.settings.database.listen_url.empty()) {
      error("DATABASE.LISTEN_URL", "is of use only where DATABASE.URL is postgresql://...");
    }
    if (is_postgresql) return;
    if (url == "sqlite://:memory:" || url == "sqlite:///:memory:") {
      url = "sqlite://:memory:";
    } else if (url.rfind(sqlite, 0) != 0 || url.size() == sqlite.size()) {
      error("DATABASE.URL", "must be sqlite:///FILE or postgresql://...");
    } else {
      const std::string path = url.substr(sqlite.size());
      if (path.front() == '/') return;
      const auto folder = fs::path(loaded_.file).parent_path().string();
      url = std::string(sqlite) + in_url(folder) + '/' + path;
    }
  }

  /// A path as it stands in a URL, whose parts it could be taken for (RFC 3986 section 2.1).
  static std::string in_url(const std::string& path) {
    std::string out;
    for (const char c : path) {
      if (c == '%') {
        out += "%25";
      } else if (c == '?') {
        out += "%3F";
      } else if (c == '#') {
        out += "%23";
      } else {
        out += c;
      }
    }
    return out;
  }

  LoadedSettings loaded_;
  bool judges_ = false;  // VERIFY_MODE is "local"
  std::vector<std::unique_ptr<toml::node>> trees_;
  std::map<std::string, Source, std::less<>> sources_;
};

}  // namespace

ServiceSettings ServiceSettings::of(ServiceKind kind) {
  ServiceSettings settings;
  settings.kind = kind;
  if (kind == ServiceKind::client) {
    settings.authentication_backends = {"ModelBackend", "RemoteAuthBackend"};
    settings.authentication_classes = {"EasyJWTAuthentication", "SessionAuthentication"};
  }
  return settings;
}

std::string SettingsProblem::str() const {
  return (id.empty() ? "" : '(' + id + ") ") + place + ": " + (key.empty() ? "" : key + ": ") +
         what;
}

SettingsProblem LoadedSettings::locate(const SettingsError& error) const {
  std::string_view key = error.key;
  auto place = places.find(key);
  while (place == places.end() && key.find('.') != key.npos) {
    key = key.substr(0, key.rfind('.'));
    place = places.find(key);
  }
  return {place == places.end() ? file : place->second, error.key, error.what()};
}

Environment process_environment() {
  Environment environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (text.substr(0, prefix.size()) != prefix || equals == text.npos) continue;
    environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

LoadedSettings load_settings(const std::string& file, const Environment& environment) {
  return Loader(file).load(environment);
}

}  // namespace easyjwt
