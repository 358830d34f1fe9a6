#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "easyjwt/auth/settings.hpp"
#include "easyjwt/client/local_settings.hpp"
#include "easyjwt/client/remote_auth.hpp"
#include "easyjwt/core/bytes.hpp"
#include "easyjwt/core/settings_error.hpp"
#include "easyjwt/db/database.hpp"
#include "easyjwt/fetch/mailer.hpp"
#include "easyjwt/http/cookies.hpp"
#include "easyjwt/http/cors.hpp"
#include "easyjwt/http/csrf.hpp"
#include "easyjwt/http/server.hpp"
#include "easyjwt/token/settings.hpp"
#include "easyjwt/user/hasher.hpp"
#include "easyjwt/user/serializer.hpp"

namespace easyjwt {

/// The two services that the program can be, by INSTALLED_APPS.
enum class ServiceKind { auth, client };

/// Everything that an easyjwt.toml says, each part in the struct of the target that acts on it. The
/// members' values are the defaults of an auth-service; docs/settings.md says what each key means.
struct ServiceSettings {
  /// The defaults of a service of that kind.
  static ServiceSettings of(ServiceKind kind);

  ServiceKind kind = ServiceKind::auth;
  Secret secret_key;
  std::vector<Secret> secret_key_fallbacks;
  bool debug = false;
  std::string language_code = "en-us";
  bool use_i18n = true;
  std::vector<std::string> allowed_hosts{"localhost", "127.0.0.1", "[::1]"};
  std::vector<std::string> installed_apps;
  std::vector<std::string> authentication_backends{"ModelBackend"};
  std::vector<std::string> password_validators{"UserAttributeSimilarityValidator",
                                               "MinimumLengthValidator", "CommonPasswordValidator",
                                               "NumericPasswordValidator"};

  using Cookie = http::CookieSettings;
  Cookie session_cookie{.name = "sessionid", .age = 1209600, .http_only = true};
  std::optional<std::chrono::seconds> session_idle_age;
  bool csrf_protection = true;
  http::CsrfSettings csrf;
  http::CorsSettings cors;

  fetch::MailerSettings mailer;
  std::string default_from_email = "webmaster@localhost";
  std::chrono::seconds password_reset_timeout{3600};
  bool email_verification = false;
  std::chrono::seconds email_verification_timeout{24 * 3600};
  std::string public_origin;  ///< "https://login.example.com"; empty: the request's

  std::string log_format = "text";  ///< or "json"
  std::int64_t drain_seconds = 0;

  std::vector<std::string> authentication_classes{"JWTAuthentication", "SessionAuthentication"};
  std::vector<std::string> permission_classes{"IsAuthenticated"};

  std::vector<std::string> forward_auth_rules;
  std::vector<std::string> forward_auth_fields;

  std::vector<std::string> auth_header_types{"Bearer"};
  std::string auth_header_name = "Authorization";  ///< as it stands in HTTP
  std::string user_authentication_rule = "default_user_authentication_rule";
  std::string token_user_class = "TokenUser";
  std::string user_model_serializer = "TokenUserSerializer";  ///< the name of a class
  std::optional<SerializerSettings> declared_serializer;      ///< USER_MODEL_SERIALIZER as a table
  std::string token_obtain_serializer = "TokenObtainPairSerializer";
  std::string token_refresh_serializer = "TokenRefreshSerializer";
  std::string token_verify_serializer = "TokenVerifySerializer";
  std::string token_blacklist_serializer = "TokenBlacklistSerializer";
  std::string sliding_token_obtain_serializer = "TokenObtainSlidingSerializer";
  std::string sliding_token_refresh_serializer = "TokenRefreshSlidingSerializer";
  std::optional<std::string> jwk_url;
  std::optional<std::chrono::seconds> flush_interval;
  std::optional<std::chrono::seconds> login_history{std::chrono::hours{90 * 24}};
  std::optional<std::chrono::seconds> key_rotation_interval;

  HasherSettings hasher;
  db::DatabaseSettings database;
  http::ServerSettings server;
  TokenSettings token;
  AuthSettings auth;

  // A client-service's.
  RemoteAuthSettings remote;
  VerifyMode verify_mode = VerifyMode::remote;
  LocalSettings local;  ///< but for what `token`, `jwk_url` and `auth` have of it
  bool refresh_token_in_cookie = false;
  Cookie refresh_cookie{.name = "refresh_token", .http_only = true};
  std::vector<std::string> allowed_auth_origins;  ///< empty: any
  bool blacklist_on_logout = true;
};

/// Something wrong, or dubious, with one setting. Never holds a secret's value.
struct SettingsProblem {
  std::string place;  ///< "/etc/easyjwt.toml:12", or an environment variable's name
  std::string key;    ///< "EASY_JWT.ALGORITHM"; empty where the file itself is meant
  std::string what;
  std::string id{};  ///< "easyjwt_client.E001"; empty for what has none

  /// "/etc/easyjwt.toml:12: EASY_JWT.ALGORITHM: is not ...", after the id in brackets.
  std::string str() const;
};

/// What came of reading the settings. With `errors`, `settings` must not be used.
struct LoadedSettings {
  ServiceSettings settings;
  std::string file;  ///< absolute
  std::vector<SettingsProblem> errors;
  std::vector<SettingsProblem> warnings;
  /// Where each key that was set was set. Absent: it has its default.
  std::map<std::string, std::string, std::less<>> places;

  /// Adds file and line to what a constructor found wrong (core/settings_error.hpp); of a part of a
  /// setting ("EASY_JWT.USER_MODEL_SERIALIZER.related[0].table") the part's, if it was set.
  SettingsProblem locate(const SettingsError& error) const;
};

/// An environment: name and value.
using Environment = std::vector<std::pair<std::string, std::string>>;
/// The process's variables whose names begin with EASYJWT_.
Environment process_environment();

/// Reads a TOML file, then the environment over it. Paths and SQLite URLs become absolute against
/// the file's folder; PEM files are read; whatever can be judged without a database or a socket is.
LoadedSettings load_settings(const std::string& file, const Environment& environment);

/// The file that `startproject` writes: fresh keys, and every other setting of that service with
/// its default, commented out. `signing_key` is an auth-service's.
std::string project_file(ServiceKind kind, std::string_view secret_key,
                         std::string_view signing_key);

/// docs/settings.md.
std::string settings_reference();

}  // namespace easyjwt
