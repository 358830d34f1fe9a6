#include "easyjwt/service/settings.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "files.hpp"
#include "service/client_authentication.hpp"
#include "service/settings_table.hpp"
#include "tests_dir.hpp"

namespace easyjwt {
namespace {

constexpr std::string_view least =
    "SECRET_KEY = \"0123456789abcdef0123456789abcdef\"\n"
    "INSTALLED_APPS = [\"easyjwt_auth\", \"easyjwt_auth.token_blacklist\", \"easyjwt_user\"]\n";

class Settings : public testing::Test {
 protected:
  /// The least that works, and more lines from line 3 on.
  LoadedSettings load(std::string_view more, const Environment& environment = {}) {
    return load_text(std::string(least) + std::string(more), environment);
  }
  LoadedSettings load_text(std::string_view text, const Environment& environment = {}) {
    return load_settings(folder_.write("easyjwt.toml", text), environment);
  }
  std::string file() const { return folder_.path("easyjwt.toml"); }

  /// All errors, a line each.
  static std::string errors(const LoadedSettings& loaded) {
    std::string out;
    for (const auto& error : loaded.errors) out += error.str() + '\n';
    return out;
  }

  TemporaryFolder folder_;
};

TEST_F(Settings, LeastThatWorks) {
  const auto loaded = load("");
  EXPECT_EQ(errors(loaded), "");
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.settings.secret_key.view(), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(loaded.settings.token.signing_key.view(), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(loaded.settings.database.url, "sqlite:///" + folder_.path("easyjwt.sqlite3"));
  EXPECT_TRUE(loaded.settings.auth.token_blacklist);
}

struct Wrong {
  const char* lines;
  const char* error;  ///< after the file's name

  friend void PrintTo(const Wrong& wrong, std::ostream* out) { *out << plain_name(wrong.error); }
};

class WrongSettings : public Settings, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongSettings, NameFileLineAndKey) {
  EXPECT_EQ(errors(load(GetParam().lines)), file() + GetParam().error + '\n');
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongSettings,
    testing::Values(
        Wrong{"DEBUG = 1\n", ":3: DEBUG: expected true or false, found an integer"},
        Wrong{"\n\nDEBUG = \"yes\"\n", ":5: DEBUG: expected true or false, found a string"},
        Wrong{"ALLOWED_HOSTS = \"*\"\n",
              ":3: ALLOWED_HOSTS: expected a list of strings, found a string"},
        Wrong{"ALLOWED_HOSTS = [\"a\", 5]\n",
              ":3: ALLOWED_HOSTS: in the list: expected a string, found an integer"},
        Wrong{"DEBG = true\n", ":3: DEBG: is not a setting; did you mean DEBUG?"},
        Wrong{"debug = true\n", ":3: debug: is not a setting; did you mean DEBUG?"},
        Wrong{"something_else_entirely = true\n", ":3: something_else_entirely: is not a setting"},
        Wrong{"[EASYJWT]\nALGORITHM = \"HS256\"\n",
              ":3: EASYJWT: is not a setting; did you mean EASY_JWT?"},
        Wrong{"[EASY_JWT]\nACCESS_TOKEN_LIFETME = 5\n",
              ":4: EASY_JWT.ACCESS_TOKEN_LIFETME: is not a setting; did you mean "
              "EASY_JWT.ACCESS_TOKEN_LIFETIME?"},
        // A key that got below a [SECTION].
        Wrong{"[SERVER]\nDEBUG = true\n",
              ":4: SERVER.DEBUG: is not a setting; did you mean DEBUG?"},
        Wrong{"SIGNING_KEY = \"x\"\n",
              ":3: SIGNING_KEY: is not a setting; did you mean EASY_JWT.SIGNING_KEY?"},
        Wrong{"SERVER = 5\n", ":3: SERVER: must be a table: [SERVER]"},
        Wrong{"PASSWORD_HASHERS = [\"md5\"]\n",
              ":3: PASSWORD_HASHERS: in the list: must be one of \"argon2\", \"pbkdf2_sha256\", "
              "\"pbkdf2_sha1\", \"bcrypt_sha256\", \"bcrypt\", \"scrypt\""},
        Wrong{"PASSWORD_HASHERS = []\n", ":3: PASSWORD_HASHERS: must not be empty"},
        Wrong{"AUTH_PASSWORD_VALIDATORS = [\"LengthValidator\"]\n",
              ":3: AUTH_PASSWORD_VALIDATORS: in the list: must be one of "
              "\"UserAttributeSimilarityValidator\", \"MinimumLengthValidator\", "
              "\"CommonPasswordValidator\", \"NumericPasswordValidator\""},
        Wrong{"SESSION_COOKIE_AGE = -1\n", ":3: SESSION_COOKIE_AGE: must not be negative"},
        Wrong{"SESSION_COOKIE_SAMESITE = \"lax\"\n",
              ":3: SESSION_COOKIE_SAMESITE: must be one of \"Lax\", \"Strict\", \"None\", \"\""},
        Wrong{"SESSION_COOKIE_NAME = \"a;b\"\n",
              ":3: SESSION_COOKIE_NAME: must be an HTTP token: letters, digits and "
              "!#$%&'*+-.^_`|~"},
        Wrong{"EMAIL_PORT = 65536\n", ":3: EMAIL_PORT: must be 1 to 65535"},
        Wrong{"EMAIL_HOST = \"mail.example.com:25\"\n",
              ":3: EMAIL_HOST: must be a name or an address; the port is EMAIL_PORT"},
        Wrong{"EMAIL_HOST = \"a/b@c\"\n",
              ":3: EMAIL_HOST: must be a name or an address; the port is EMAIL_PORT"},
        Wrong{"EMAIL_USE_TLS = true\nEMAIL_USE_SSL = true\n",
              ":3: EMAIL_USE_TLS: and EMAIL_USE_SSL exclude each other"},
        Wrong{"DEFAULT_FROM_EMAIL = \"a@example.com\\nBcc: b@example.com\"\n",
              ":3: DEFAULT_FROM_EMAIL: has no address that may stand in a mail"},
        Wrong{"PUBLIC_ORIGIN = \"https://example.com/login\"\n",
              ":3: PUBLIC_ORIGIN: must be an origin in lower case, like "
              "\"https://login.example.com\", with no path"},
        Wrong{"[SERVER]\nLISTEN = \"localhost\"\n",
              ":4: SERVER.LISTEN: must be ADDR:PORT, [ADDR6]:PORT or :PORT"},
        Wrong{"[SERVER]\nLISTEN = \"localhost:65536\"\n",
              ":4: SERVER.LISTEN: must be ADDR:PORT, [ADDR6]:PORT or :PORT"},
        Wrong{"[SERVER]\nTHREADS = 2000\n", ":4: SERVER.THREADS: must be at most 1024"},
        Wrong{"[SERVER]\nLOG_FORMAT = \"xml\"\n",
              ":4: SERVER.LOG_FORMAT: must be one of \"text\", \"json\""},
        Wrong{"[SERVER]\nTLS_CERTIFICATE = \"cert.pem\"\n",
              ": SERVER.TLS_KEY: and SERVER.TLS_CERTIFICATE must be set together"},
        Wrong{"[SERVER]\nTRUSTED_PROXIES = [\"10.0.0.1\", \"10.0.0.0.1\"]\n",
              ":4: SERVER.TRUSTED_PROXIES: in the list: \"10.0.0.0.1\" is not an IP address or a "
              "network like \"10.0.0.0/8\" or \"2001:db8::/32\""},
        Wrong{"[SERVER]\nTRUSTED_PROXIES = \"10.0.0.1\"\n",
              ":4: SERVER.TRUSTED_PROXIES: expected a list of strings, found a string"},
        Wrong{"[SERVER]\nTRUSTED_PROXIES = [\"10.0.0.1/8\"]\n",
              ":4: SERVER.TRUSTED_PROXIES: in the list: \"10.0.0.1/8\" has bits beyond its prefix; "
              "the network is \"10.0.0.0/8\""},
        Wrong{"[SERVER]\nDRAIN_SECONDS = 3601\n", ":4: SERVER.DRAIN_SECONDS: must be at most 3600"},
        Wrong{"[DATABASE]\nURL = \"mysql://u:geheim@h/d\"\n",
              ":4: DATABASE.URL: must be sqlite:///FILE or postgresql://..."},
        Wrong{"[DATABASE]\nLISTEN_URL = \"postgresql://u:geheim@h/d\"\n",
              ":4: DATABASE.LISTEN_URL: is of use only where DATABASE.URL is postgresql://..."},
        Wrong{"[DATABASE]\nPOOL_SIZE = 0\n", ":4: DATABASE.POOL_SIZE: must be above 0"},
        Wrong{"[EASY_JWT]\nALGORITHM = \"none\"\n",
              ":4: EASY_JWT.ALGORITHM: must be one of \"HS256\", \"HS384\", \"HS512\", \"RS256\", "
              "\"RS384\", \"RS512\", \"ES256\", \"ES384\", \"ES512\", \"PS256\", \"PS384\", "
              "\"PS512\", \"EdDSA\""},
        Wrong{"[EASY_JWT]\nACCESS_TOKEN_LIFETIME = 1.5\n",
              ":4: EASY_JWT.ACCESS_TOKEN_LIFETIME: must be a whole number of seconds"},
        Wrong{"[EASY_JWT]\nACCESS_TOKEN_LIFETIME = 0\n",
              ":4: EASY_JWT.ACCESS_TOKEN_LIFETIME: must be at least one second"},
        Wrong{"[EASY_JWT]\nACCESS_TOKEN_LIFETIME = \"5 minutes\"\n",
              ":4: EASY_JWT.ACCESS_TOKEN_LIFETIME: is not a lifetime: a number of seconds, or a "
              "string like \"90s\", \"5m\", \"12h\" or \"1d\", at most 100 years"},
        Wrong{"[EASY_JWT]\nACCESS_TOKEN_LIFETIME = -300\n",
              ":4: EASY_JWT.ACCESS_TOKEN_LIFETIME: is not a lifetime: a number of seconds, or a "
              "string like \"90s\", \"5m\", \"12h\" or \"1d\", at most 100 years"},
        Wrong{"[EASY_JWT]\nLEEWAY = -1\n",
              ":4: EASY_JWT.LEEWAY: must be a number of seconds, 0 to 1000000000"},
        Wrong{"[EASY_JWT]\nLEEWAY = nan\n",
              ":4: EASY_JWT.LEEWAY: must be a number of seconds, 0 to 1000000000"},
        Wrong{"[EASY_JWT]\nLEEWAY = inf\n",
              ":4: EASY_JWT.LEEWAY: must be a number of seconds, 0 to 1000000000"},
        Wrong{"[EASY_JWT]\nAUDIENCE = 5\n",
              ":4: EASY_JWT.AUDIENCE: expected a string or a list of strings, found an integer"},
        Wrong{"[EASY_JWT]\nAUTH_HEADER_TYPES = []\n",
              ":4: EASY_JWT.AUTH_HEADER_TYPES: must not be empty"},
        Wrong{"[EASY_JWT]\nAUTH_HEADER_NAME = \"HTTP_\"\n",
              ":4: EASY_JWT.AUTH_HEADER_NAME: must be an HTTP token: letters, digits and "
              "!#$%&'*+-.^_`|~"},
        Wrong{"[REST_FRAMEWORK]\nDEFAULT_PERMISSION_CLASSES = [\"AllowAll\"]\n",
              ":4: REST_FRAMEWORK.DEFAULT_PERMISSION_CLASSES: in the list: must be one of "
              "\"IsAuthenticated\", \"AllowAny\", \"IsAdminUser\", "
              "\"IsAuthenticatedOrReadOnly\""},
        Wrong{"[EASY_JWT]\nUSER_ID_FIELD = \"username\"\n",
              ":4: EASY_JWT.USER_ID_FIELD: must be one of \"id\", \"pk\", \"email\""},
        Wrong{"[EASY_JWT]\nAUTH_TOKEN_CLASSES = [\"UntypedToken\"]\n",
              ":4: EASY_JWT.AUTH_TOKEN_CLASSES: in the list: must be of \"AccessToken\", "
              "\"RefreshToken\", \"SlidingToken\""},
        Wrong{"[EASY_JWT]\nAUTH_TOKEN_CLASSES = []\n",
              ":4: EASY_JWT.AUTH_TOKEN_CLASSES: must not be empty"},
        Wrong{"[EASY_JWT]\nUSER_AUTHENTICATION_RULE = \"my.rule\"\n",
              ":4: EASY_JWT.USER_AUTHENTICATION_RULE: must be "
              "\"default_user_authentication_rule\""},
        Wrong{"[EASY_JWT]\nTOKEN_OBTAIN_SERIALIZER = \"mine.Serializer\"\n",
              ":4: EASY_JWT.TOKEN_OBTAIN_SERIALIZER: must be one of \"TokenObtainPairSerializer\", "
              "\"TokenRefreshSerializer\", \"TokenVerifySerializer\", "
              "\"TokenBlacklistSerializer\", \"TokenObtainSlidingSerializer\", "
              "\"TokenRefreshSlidingSerializer\""},
        Wrong{"[EASY_JWT]\nJTI_CLAIM = \"user_id\"\n",
              ":4: EASY_JWT.JTI_CLAIM: must not be the same as EASY_JWT.USER_ID_CLAIM"},
        Wrong{"[EASY_JWT]\nUSER_ID_CLAIM = \"exp\"\n",
              ":4: EASY_JWT.USER_ID_CLAIM: must not be a claim of its own meaning"},
        Wrong{"[EASY_JWT]\nUSER_ID_CLAIM = \"a\\u0000b\"\n",
              ":4: EASY_JWT.USER_ID_CLAIM: must not hold a NUL character"},
        Wrong{"[EASY_JWT]\nALGORITHM = \"RS256\"\n",
              ": EASY_JWT.SIGNING_KEY: must be a private key for ALGORITHM RS256"},
        // Parts of a table are named, with the lines that they are on.
        Wrong{"[EASY_JWT]\nUSER_MODEL_SERIALIZER = 5\n",
              ":4: EASY_JWT.USER_MODEL_SERIALIZER: expected a string or a table, found an integer"},
        Wrong{"[EASY_JWT]\nUSER_MODEL_SERIALIZER = \"mine.\"\n",
              ":4: EASY_JWT.USER_MODEL_SERIALIZER: must not be empty"},
        Wrong{"[EASY_JWT.USER_MODEL_SERIALIZER]\nfields = [\"id\"]\n",
              ":4: EASY_JWT.USER_MODEL_SERIALIZER.fields: must have \"email\""},
        Wrong{"[EASY_JWT.USER_MODEL_SERIALIZER]\n\nfields = [\"id\", \"email\", \"password\"]\n",
              ":5: EASY_JWT.USER_MODEL_SERIALIZER.fields: \"password\" is shown to nobody"},
        Wrong{"[EASY_JWT.USER_MODEL_SERIALIZER]\nfelds = [\"id\", \"email\"]\n",
              ":4: EASY_JWT.USER_MODEL_SERIALIZER.felds: is none of fields, related"},
        Wrong{"[[EASY_JWT.USER_MODEL_SERIALIZER.related]]\nname = \"a\"\ntable = \"User\"\n"
              "fields = [\"email\"]\n",
              ":5: EASY_JWT.USER_MODEL_SERIALIZER.related[0].table: \"User\" is one of the "
              "framework's own tables"},
        Wrong{"[[EASY_JWT.USER_MODEL_SERIALIZER.related]]\nname = \"a\"\ntable = \"t\"\n"
              "fields = [\"b\"]\n[[EASY_JWT.USER_MODEL_SERIALIZER.related]]\nname = \"a\"\n"
              "table = \"u\"\nfields = [\"b\"]\n",
              ":8: EASY_JWT.USER_MODEL_SERIALIZER.related[1].name: \"a\" is a member's name "
              "already"},
        Wrong{"[[EASY_JWT.USER_MODEL_SERIALIZER.related]]\nname = \"a\"\nfields = [\"b\"]\n",
              ":3: EASY_JWT.USER_MODEL_SERIALIZER.related[0].table: must be set"},
        Wrong{"[[EASY_JWT.USER_MODEL_SERIALIZER.related]]\nname = \"a\"\ntable = \"t\"\n"
              "fields = [\"b\"]\nmany = \"yes\"\n",
              ":7: EASY_JWT.USER_MODEL_SERIALIZER.related[0].many: expected true or false, found a "
              "string"},
        Wrong{"[EASY_JWT]\nUSER_MODEL_SERIALIZER = {related = [{name = \"a\", tabel = \"t\"}]}\n",
              ":4: EASY_JWT.USER_MODEL_SERIALIZER.related[0].tabel: is none of name, table, "
              "foreign_key, fields, many, key"},
        // What needs something else, not to be ignored.
        Wrong{
            "[EASY_JWT]\nDETECT_REUSE = true\n",
            ":4: EASY_JWT.DETECT_REUSE: needs SESSION_CLAIM (\"sid\", say): by that a token tells "
            "its family"},
        Wrong{
            "[EASY_JWT]\nSESSION_CLAIM = \"sid\"\nDETECT_REUSE = true\n",
            ":5: EASY_JWT.DETECT_REUSE: needs ROTATE_REFRESH_TOKENS and BLACKLIST_AFTER_ROTATION: "
            "without them a token may be used again"},
        Wrong{"[EASY_JWT]\nSESSION_CLAIM = \"jti\"\n",
              ":4: EASY_JWT.SESSION_CLAIM: must not be the same as EASY_JWT.JTI_CLAIM"},
        Wrong{"[EASY_JWT]\nSESSION_CLAIM = \"exp\"\n",
              ":4: EASY_JWT.SESSION_CLAIM: must not be a claim of its own meaning"},
        Wrong{"[EASY_JWT]\nLOGIN_HISTORY = \"1h\"\n",
              ":4: EASY_JWT.LOGIN_HISTORY: must be at least 1d"},
        Wrong{"[EASY_JWT]\nROTATION_GRACE = 301\n",
              ":4: EASY_JWT.ROTATION_GRACE: must be at most 300"},
        // The other service's.
        Wrong{"[EASY_JWT]\nREFRESH_TOKEN_IN_COOKIE = true\n",
              ":4: EASY_JWT.REFRESH_TOKEN_IN_COOKIE: is of the client-service: an auth-service has "
              "no use for it"},
        Wrong{"AUTHENTICATION_BACKENDS = [\"ModelBackend\", \"RemoteAuthBackend\"]\n",
              ":3: AUTHENTICATION_BACKENDS: in the list: RemoteAuthBackend is the "
              "client-service's"},
        Wrong{"[REST_FRAMEWORK]\nDEFAULT_AUTHENTICATION_CLASSES = [\"EasyJWTAuthentication\"]\n",
              ":4: REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES: in the list: "
              "EasyJWTAuthentication is the client-service's"},
        Wrong{"SESSION_COOKIE_PATH = \"/;x\"\n",
              ":3: SESSION_COOKIE_PATH: must begin with \"/\" and have no blank or \";\""},
        Wrong{"CSRF_COOKIE_DOMAIN = \"a b\"\n",
              ":3: CSRF_COOKIE_DOMAIN: must be a domain, like \"example.com\""},
        Wrong{"CSRF_COOKIE_AGE = \"\"\n", ":3: CSRF_COOKIE_AGE: must not be empty"},
        Wrong{"= 5\n",
              ":3: Error while parsing root table: expected keys, tables, whitespace or comments, "
              "saw '='"},
        Wrong{"DEBUG = true\nDEBUG = false\n",
              ":4: Error while parsing key-value pair: cannot redefine existing boolean 'DEBUG'"}));

TEST_F(Settings, ASerializerIsAClassOrATable) {
  EXPECT_EQ(load("").settings.user_model_serializer, "TokenUserSerializer");
  EXPECT_EQ(load("[EASY_JWT]\nUSER_MODEL_SERIALIZER = \"my.module.Mine\"\n")
                .settings.user_model_serializer,
            "Mine");
  const auto loaded = load(R"(
[EASY_JWT.USER_MODEL_SERIALIZER]
fields = ["id", "email"]
[[EASY_JWT.USER_MODEL_SERIALIZER.related]]
name = "roles"
table = "company_role"
foreign_key = "owner_id"
fields = ["role", "since"]
many = true
key = ["role"]
)");
  EXPECT_EQ(errors(loaded), "");
  const auto& declared = loaded.settings.declared_serializer;
  ASSERT_TRUE(declared);
  EXPECT_EQ(declared->fields, (std::vector<std::string>{"id", "email"}));
  ASSERT_EQ(declared->related.size(), 1u);
  const auto& [name, table] = declared->related.front();
  EXPECT_EQ(name, "roles");
  EXPECT_EQ(table.table, "company_role");
  EXPECT_EQ(table.foreign_key, "owner_id");
  EXPECT_EQ(table.fields, (std::vector<std::string>{"role", "since"}));
  EXPECT_TRUE(table.many);
  EXPECT_EQ(table.key, std::vector<std::string>{"role"});
}

TEST_F(Settings, ASerializerFromTheEnvironmentIsJson) {
  const std::string name = "EASYJWT_EASY_JWT__USER_MODEL_SERIALIZER";
  const auto loaded =
      load("[EASY_JWT]\nUSER_MODEL_SERIALIZER = \"Mine\"\n",
           {{name, R"({"related": [{"name": "a", "table": "t", "fields": ["b"]}]})"}});
  EXPECT_EQ(errors(loaded), "");
  ASSERT_TRUE(loaded.settings.declared_serializer);
  EXPECT_EQ(loaded.settings.declared_serializer->related.front().table.table, "t");
  EXPECT_EQ(load("", {{name, "my.Other"}}).settings.user_model_serializer, "Other");
  EXPECT_EQ(errors(load("", {{name, R"({"fields": ["id", "email", "password"]})"}})),
            name + ": EASY_JWT.USER_MODEL_SERIALIZER.fields: \"password\" is shown to nobody\n");
}

TEST_F(Settings, RequiredOnes) {
  EXPECT_EQ(errors(load_text("")),
            file() + ": SECRET_KEY: must be set\n" + file() + ": INSTALLED_APPS: must be set\n");
  EXPECT_EQ(errors(load_text("SECRET_KEY = \"\"\nINSTALLED_APPS = [\"easyjwt_auth\", "
                             "\"easyjwt_user\"]\n")),
            file() + ":1: SECRET_KEY: must not be empty\n");
  EXPECT_EQ(errors(load_text("SECRET_KEY = \"x\"\nINSTALLED_APPS = [\"easyjwt_user\"]\n")),
            file() + ":2: INSTALLED_APPS: an auth-service needs easyjwt_auth and easyjwt_user\n");
  EXPECT_EQ(
      errors(load_text("SECRET_KEY = \"x\"\nINSTALLED_APPS = [\"easyjwt_client\"]\n")),
      file() + ":2: INSTALLED_APPS: a client-service needs easyjwt_client and easyjwt_user\n");
  EXPECT_EQ(
      errors(load_text("SECRET_KEY = \"x\"\nINSTALLED_APPS = [\"easyjwt_auth\", "
                       "\"easyjwt_client\", \"easyjwt_user\"]\n")),
      file() + ":2: INSTALLED_APPS: a service has easyjwt_auth or easyjwt_client, not both\n");
}

TEST_F(Settings, AFileThatIsNotThereIsNamed) {
  const auto loaded = load_settings(folder_.path("none.toml"), {});
  EXPECT_EQ(errors(loaded),
            folder_.path("none.toml") + ": cannot be read: No such file or directory\n");
}

TEST_F(Settings, AllErrorsAreReported) {
  EXPECT_EQ(load("DEBUG = 1\nDEBG = 2\nALLOWED_HOSTS = 3\n").errors.size(), 3u);
}

TEST_F(Settings, SecretsAreInNoError) {
  const auto loaded = load(
      "SECRET_KEY_FALLBACKS = [\"geheim\", 5]\n"
      "[EASY_JWT]\nALGORITHM = \"RS256\"\nSIGNING_KEY = \"geheim\"\n"
      "[DATABASE]\nURL = \"mysql://geheim\"\n");
  EXPECT_EQ(errors(loaded).find("geheim"), std::string::npos);
  const auto keys = load("[EASY_JWT]\nALGORITHM = \"RS256\"\nSIGNING_KEY = \"geheim\"\n");
  EXPECT_EQ(errors(keys), file() +
                              ":5: EASY_JWT.SIGNING_KEY: is neither PEM text nor the path of a "
                              "readable PEM file\n");
}

TEST_F(Settings, EveryMemberIsReached) {
  const auto loaded = load(R"(
DEBUG = true
ALLOWED_HOSTS = ["*"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", "scrypt"]
PASSWORD_UPGRADE = false
AUTH_PASSWORD_VALIDATORS = ["django.contrib.auth.password_validation.NumericPasswordValidator"]
[DATABASE]
URL = "sqlite:///data/../a#b.sqlite3"
[SERVER]
LISTEN = "0.0.0.0:1"
THREADS = 3
TLS_CERTIFICATE = "cert.pem"
TLS_KEY = "/key.pem"
LOG_FORMAT = "json"
[REST_FRAMEWORK]
DEFAULT_AUTHENTICATION_CLASSES = ["rest_framework.authentication.SessionAuthentication"]
[EASY_JWT]
ACCESS_TOKEN_LIFETIME = "90s"
REFRESH_TOKEN_LIFETIME = 7200
SLIDING_TOKEN_LIFETIME = 60.0
SLIDING_TOKEN_REFRESH_LIFETIME = "2d"
ROTATE_REFRESH_TOKENS = true
BLACKLIST_AFTER_ROTATION = true
UPDATE_LAST_LOGIN = true
CHECK_REVOKE_TOKEN = true
CREATE_USER_OPEN = false
ALGORITHM = "HS512"
SIGNING_KEY = "k"
AUDIENCE = ["a"]
ISSUER = "i"
LEEWAY = 0.5
AUTH_HEADER_TYPES = ["JWT", "Bearer"]
AUTH_HEADER_NAME = "HTTP_X_ACCESS_TOKEN"
USER_ID_FIELD = "email"
USER_ID_CLAIM = "sub"
TOKEN_TYPE_CLAIM = "typ"
JTI_CLAIM = "id"
REVOKE_TOKEN_CLAIM = "h"
SLIDING_TOKEN_REFRESH_EXP_CLAIM = "r"
AUTH_TOKEN_CLASSES = ["easyjwt_auth.tokens.SlidingToken", "AccessToken"]
TOKEN_OBTAIN_SERIALIZER = "easyjwt_auth.serializers.TokenObtainSlidingSerializer"
)");
  ASSERT_EQ(errors(loaded), "");
  const auto& s = loaded.settings;
  EXPECT_TRUE(s.debug);
  EXPECT_EQ(s.allowed_hosts, std::vector<std::string>{"*"});
  EXPECT_EQ(s.hasher.hashers, (std::vector<std::string>{"pbkdf2_sha256", "scrypt"}));
  EXPECT_FALSE(s.hasher.upgrade);
  EXPECT_EQ(s.password_validators, std::vector<std::string>{"NumericPasswordValidator"});
  EXPECT_EQ(s.database.url, "sqlite:///" + folder_.path("data/../a#b.sqlite3"));
  EXPECT_EQ(s.server.listen, "0.0.0.0:1");
  EXPECT_EQ(s.server.threads, 3u);
  EXPECT_EQ(s.server.tls_certificate, folder_.path("cert.pem"));
  EXPECT_EQ(s.server.tls_key, "/key.pem");
  EXPECT_EQ(s.log_format, "json");
  EXPECT_EQ(s.authentication_classes, std::vector<std::string>{"SessionAuthentication"});
  EXPECT_EQ(s.token.access_lifetime.count(), 90);
  EXPECT_EQ(s.token.refresh_lifetime.count(), 7200);
  EXPECT_EQ(s.token.sliding_lifetime.count(), 60);
  EXPECT_EQ(s.token.sliding_refresh_lifetime.count(), 172800);
  EXPECT_TRUE(s.auth.rotate_refresh_tokens && s.auth.blacklist_after_rotation &&
              s.auth.update_last_login && s.auth.check_revoke_token);
  EXPECT_FALSE(s.auth.create_user_open);
  EXPECT_EQ(s.token.algorithm, "HS512");
  EXPECT_EQ(s.token.signing_key.view(), "k");
  EXPECT_EQ(s.token.audience, std::vector<std::string>{"a"});
  EXPECT_TRUE(s.token.audience_is_list);
  EXPECT_EQ(s.token.issuer, "i");
  EXPECT_EQ(s.token.leeway, 0.5);
  EXPECT_EQ(s.auth_header_types, (std::vector<std::string>{"JWT", "Bearer"}));
  EXPECT_EQ(s.auth_header_name, "X-ACCESS-TOKEN");
  EXPECT_EQ(s.auth.user_id_field, "email");
  EXPECT_EQ(s.token.user_id_claim, "sub");
  EXPECT_EQ(s.token.token_type_claim, "typ");
  EXPECT_EQ(s.token.jti_claim, "id");
  EXPECT_EQ(s.token.revoke_token_claim, "h");
  EXPECT_EQ(s.token.sliding_refresh_exp_claim, "r");
  EXPECT_EQ(s.auth.auth_token_classes,
            (std::vector<TokenType>{TokenType::sliding, TokenType::access}));
  EXPECT_EQ(s.token_obtain_serializer, "TokenObtainSlidingSerializer");
}

constexpr std::string_view least_of_client =
    "SECRET_KEY = \"0123456789abcdef0123456789abcdef\"\n"
    "INSTALLED_APPS = [\"easyjwt_client\", \"easyjwt_user\"]\n";

class ClientSettings : public Settings {
 protected:
  LoadedSettings load(std::string_view more, const Environment& environment = {}) {
    return load_text(std::string(least_of_client) + std::string(more), environment);
  }
};

TEST_F(ClientSettings, TheLeastThatWorksHasItsDefaults) {
  const auto loaded = load("");
  ASSERT_EQ(errors(loaded), "");
  const auto& s = loaded.settings;
  EXPECT_EQ(s.kind, ServiceKind::client);
  EXPECT_EQ(s.authentication_backends,
            (std::vector<std::string>{"ModelBackend", "RemoteAuthBackend"}));
  EXPECT_EQ(s.authentication_classes,
            (std::vector<std::string>{"EasyJWTAuthentication", "SessionAuthentication"}));
  EXPECT_EQ(s.remote.service_url, "http://127.0.0.1:8000");
  EXPECT_EQ(s.remote.request_timeout, std::chrono::seconds(30));
  EXPECT_FALSE(s.refresh_token_in_cookie);
}

TEST_F(ClientSettings, EveryMemberIsReached) {
  const auto loaded = load(R"(
AUTHENTICATION_BACKENDS = ["easyjwt_client.authentication.RemoteAuthBackend"]
CSRF_COOKIE_NAME = "c"
CSRF_COOKIE_AGE = 5
CSRF_COOKIE_SECURE = true
CSRF_COOKIE_HTTPONLY = true
CSRF_COOKIE_SAMESITE = "Strict"
CSRF_COOKIE_DOMAIN = ".example.com"
CSRF_COOKIE_PATH = "/x"
CSRF_HEADER_NAME = "HTTP_X_XSRF_TOKEN"
CSRF_TRUSTED_ORIGINS = ["https://*.example.com"]
CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
CORS_ALLOW_CREDENTIALS = true
CORS_ALLOW_HEADERS = ["x-a"]
[EASY_JWT]
AUTH_HEADER_TYPES = ["JWT", "Bearer"]
REMOTE_AUTH_SERVICE_URL = "https://auth.example.com/"
REMOTE_AUTH_SERVICE_TOKEN_PATH = "/1/"
REMOTE_AUTH_SERVICE_REFRESH_PATH = "/2/"
REMOTE_AUTH_SERVICE_VERIFY_PATH = "/3/"
REMOTE_AUTH_SERVICE_USER_PATH = "/4/"
REMOTE_AUTH_SERVICE_PASSWORD_CHANGE_PATH = "/5/"
REMOTE_AUTH_SERVICE_BLACKLIST_PATH = "/6/"
REMOTE_AUTH_REQUEST_TIMEOUT = 0.25
REMOTE_AUTH_SSL_VERIFY = false
REFRESH_TOKEN_IN_COOKIE = true
AUTH_COOKIE_NAME = "r"
AUTH_COOKIE_HTTP_ONLY = false
AUTH_COOKIE_SECURE = true
AUTH_COOKIE_SAMESITE = "None"
AUTH_COOKIE_PATH = "/auth/"
AUTH_COOKIE_DOMAIN = "example.com"
AUTH_COOKIE_MAX_AGE = 86400
ALLOWED_AUTH_ORIGINS = ["https://app.example.com"]
BLACKLIST_ON_LOGOUT = false
)");
  ASSERT_EQ(errors(loaded), "");
  const auto& s = loaded.settings;
  EXPECT_EQ(s.authentication_backends, std::vector<std::string>{"RemoteAuthBackend"});
  const auto& csrf = s.csrf;
  EXPECT_EQ(csrf.cookie.name + '|' + *csrf.cookie.domain + '|' + csrf.cookie.path + '|' +
                csrf.cookie.same_site + '|' + csrf.header_name,
            "c|.example.com|/x|Strict|X-XSRF-TOKEN");
  EXPECT_EQ(csrf.cookie.age, 5);
  EXPECT_TRUE(csrf.cookie.secure && csrf.cookie.http_only);
  EXPECT_EQ(csrf.trusted_origins, std::vector<std::string>{"https://*.example.com"});
  EXPECT_EQ(s.cors.allowed_origins, std::vector<std::string>{"https://app.example.com"});
  EXPECT_EQ(s.cors.allow_headers, std::vector<std::string>{"x-a"});
  EXPECT_TRUE(s.cors.allow_credentials);
  const auto& r = s.remote;
  EXPECT_EQ(r.service_url, "https://auth.example.com");
  EXPECT_EQ(r.token_path + r.refresh_path + r.verify_path + r.user_path + r.password_change_path +
                r.blacklist_path,
            "/1//2//3//4//5//6/");
  EXPECT_EQ(r.request_timeout, std::chrono::milliseconds(250));
  EXPECT_FALSE(r.ssl_verify);
  EXPECT_EQ(r.auth_header_type, "JWT");
  EXPECT_TRUE(s.refresh_token_in_cookie);
  const auto& cookie = s.refresh_cookie;
  EXPECT_EQ(cookie.name + '|' + cookie.same_site + '|' + cookie.path + '|' + *cookie.domain,
            "r|None|/auth/|example.com");
  EXPECT_EQ(cookie.age, 86400);
  EXPECT_TRUE(cookie.secure && !cookie.http_only);
  EXPECT_EQ(s.allowed_auth_origins, std::vector<std::string>{"https://app.example.com"});
  EXPECT_FALSE(s.blacklist_on_logout);
}

class WrongClientSettings : public ClientSettings, public testing::WithParamInterface<Wrong> {};

TEST_P(WrongClientSettings, NameFileLineAndKey) {
  const std::string_view wanted = GetParam().error;
  const auto id = wanted.find(") ") == wanted.npos ? 0 : wanted.find(") ") + 2;
  EXPECT_EQ(errors(load(GetParam().lines)),
            std::string(wanted.substr(0, id)) + file() + std::string(wanted.substr(id)) + '\n');
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongClientSettings,
    testing::Values(
        Wrong{"[EASY_JWT]\nREMOTE_AUTH_SERVICE_URL = \"\"\n",
              "(easyjwt_client.E001) :4: EASY_JWT.REMOTE_AUTH_SERVICE_URL: EASY_JWT setting "
              "'REMOTE_AUTH_SERVICE_URL' is required but not configured."},
        Wrong{"[EASY_JWT]\nREMOTE_AUTH_SERVICE_BLACKLIST_PATH = \"\"\n",
              "(easyjwt_client.E001) :4: EASY_JWT.REMOTE_AUTH_SERVICE_BLACKLIST_PATH: EASY_JWT "
              "setting 'REMOTE_AUTH_SERVICE_BLACKLIST_PATH' is required but not configured."},
        Wrong{"[EASY_JWT]\nREMOTE_AUTH_REQUEST_TIMEOUT = 0\n",
              "(easyjwt_client.E001) :4: EASY_JWT.REMOTE_AUTH_REQUEST_TIMEOUT: EASY_JWT setting "
              "'REMOTE_AUTH_REQUEST_TIMEOUT' is required but not configured."},
        Wrong{"[EASY_JWT]\nREMOTE_AUTH_SSL_VERIFY = \"\"\n",
              "(easyjwt_client.E001) :4: EASY_JWT.REMOTE_AUTH_SSL_VERIFY: EASY_JWT setting "
              "'REMOTE_AUTH_SSL_VERIFY' is required but not configured."},
        Wrong{"[EASY_JWT]\nREMOTE_AUTH_SSL_VERIFY = 0\n",
              "(easyjwt_client.E001) :4: EASY_JWT.REMOTE_AUTH_SSL_VERIFY: expected true or false, "
              "found an integer"},
        Wrong{"CSRF_PROTECTION = false\n[EASY_JWT]\nREFRESH_TOKEN_IN_COOKIE = true\n",
              "(easyjwt_client.E002) :3: CSRF_PROTECTION: REFRESH_TOKEN_IN_COOKIE is enabled but "
              "CSRF_PROTECTION is off."},
        Wrong{"[EASY_JWT]\nALLOWED_AUTH_ORIGINS = \"https://a\"\n",
              "(easyjwt_client.E003) :4: EASY_JWT.ALLOWED_AUTH_ORIGINS: ALLOWED_AUTH_ORIGINS must "
              "be a list/tuple of origin strings, not a single string."},
        Wrong{"[EASY_JWT]\nALLOWED_AUTH_ORIGINS = [\"https://a\", \"https://a/\"]\n",
              "(easyjwt_client.E003) :4: EASY_JWT.ALLOWED_AUTH_ORIGINS: ALLOWED_AUTH_ORIGINS entry "
              "'https://a/' is malformed. Each entry must be a bare 'http(s)://host[:port]' with "
              "no path, query, fragment, or trailing slash."},
        Wrong{"[EASY_JWT]\nREMOTE_AUTH_REQUEST_TIMEOUT = 1e9\n",
              "(easyjwt_client.E001) :4: EASY_JWT.REMOTE_AUTH_REQUEST_TIMEOUT: must be at most an "
              "hour"},
        Wrong{"[EASY_JWT]\nAUTH_COOKIE_NAME = \"a=b\"\n",
              ":4: EASY_JWT.AUTH_COOKIE_NAME: must be an HTTP token: letters, digits and "
              "!#$%&'*+-.^_`|~"},
        Wrong{"[EASY_JWT]\nAUTH_COOKIE_PATH = \"/; Domain=x\"\n",
              ":4: EASY_JWT.AUTH_COOKIE_PATH: must begin with \"/\" and have no blank or \";\""},
        Wrong{"[REST_FRAMEWORK]\nDEFAULT_AUTHENTICATION_CLASSES = [\"JWTAuthentication\"]\n",
              ":4: REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES: in the list: JWTAuthentication "
              "is the auth-service's"},
        Wrong{"[EASY_JWT]\nSIGNING_KEY = \"geheim\"\n",
              ":4: EASY_JWT.SIGNING_KEY: is of the auth-service: a client-service has no use for "
              "it"},
        Wrong{"[EASY_JWT]\nAUDIENCE = \"fleet\"\n",
              ":4: EASY_JWT.AUDIENCE: is of the auth-service: a client-service has no use for it"},
        Wrong{"[EASY_JWT]\nACCESS_TOKEN_LIFETIME = 60\n",
              ":4: EASY_JWT.ACCESS_TOKEN_LIFETIME: is of the auth-service: a client-service has no "
              "use for it"}));

TEST_F(ClientSettings, WithLocalVerifyModeItJudgesByTheAuthServicesKeys) {
  const auto loaded = load(
      "[EASY_JWT]\nVERIFY_MODE = \"local\"\nSIGNING_KEY = \"geheim\"\nAUDIENCE = \"fleet\"\n"
      "LEEWAY = 2\nAUTH_TOKEN_CLASSES = [\"SlidingToken\"]\nSTALENESS_POLICY = \"refuse\"\n"
      "LOCAL_USER_LIFETIME = \"10s\"\nSESSION_CLAIM = \"sid\"\n");
  EXPECT_EQ(errors(loaded), "");
  EXPECT_TRUE(loaded.warnings.empty());
  const auto& s = loaded.settings;
  EXPECT_EQ(s.verify_mode, VerifyMode::local);
  EXPECT_EQ(s.token.signing_key.view(), "geheim");
  EXPECT_EQ(s.token.audience, std::vector<std::string>{"fleet"});
  EXPECT_EQ(s.auth.auth_token_classes, std::vector<TokenType>{TokenType::sliding});
  EXPECT_EQ(s.local.staleness_policy, StalenessPolicy::refuse);
  EXPECT_EQ(s.local.user_lifetime, std::chrono::seconds{10});
  EXPECT_EQ(authenticator_settings(s, no_log()).local.session_claim, "sid");

  const std::string local = "[EASY_JWT]\nVERIFY_MODE = \"local\"\n";
  EXPECT_EQ(errors(load(local + "ACCESS_TOKEN_LIFETIME = 60\n")),
            file() +
                ":5: EASY_JWT.ACCESS_TOKEN_LIFETIME: is of the auth-service: a client-service "
                "has no use for it\n");
  EXPECT_EQ(errors(load(local + "ALGORITHM = \"ES256\"\nVERIFYING_KEY = \"no.pem\"\n")),
            file() +
                ":6: EASY_JWT.VERIFYING_KEY: is neither PEM text nor the path of a readable PEM "
                "file\n");
  EXPECT_EQ(errors(load(local + "JTI_CLAIM = \"user_id\"\n")),
            file() + ":5: EASY_JWT.JTI_CLAIM: must not be the same as EASY_JWT.USER_ID_CLAIM\n");
  EXPECT_EQ(errors(load("[EASY_JWT]\nVERIFY_MODE = \"mixed\"\n")),
            file() + ":4: EASY_JWT.VERIFY_MODE: must be \"remote\" or \"local\"\n");
  EXPECT_EQ(
      errors(load("[EASY_JWT]\nSTALENESS_POLICY = \"ask\"\n")),
      file() + ":4: EASY_JWT.STALENESS_POLICY: must be \"remote\", \"refuse\" or \"accept\"\n");
}

TEST_F(ClientSettings, AFeedsCredentialIsAnIdAndASecret) {
  const auto loaded = load(
      "[EASY_JWT]\nVERIFY_MODE = \"local\"\nFEED_CLIENT_ID = \"orders\"\n"
      "FEED_CLIENT_SECRET = \"s\"\nMAX_STALENESS = \"1m\"\n");
  EXPECT_EQ(errors(loaded), "");
  EXPECT_EQ(loaded.settings.local.feed_client_id, "orders");
  EXPECT_EQ(loaded.settings.local.feed_client_secret.view(), "s");
  EXPECT_EQ(loaded.settings.local.max_staleness, std::chrono::minutes{1});
  EXPECT_NE(errors(load("[EASY_JWT]\nFEED_CLIENT_ID = \"orders\"\n"))
                .find("EASY_JWT.FEED_CLIENT_SECRET: must be set, too"),
            std::string::npos);
  EXPECT_NE(errors(load("[EASY_JWT]\nFEED_CLIENT_SECRET = \"s\"\n"))
                .find("EASY_JWT.FEED_CLIENT_ID: must be set, too"),
            std::string::npos);
  EXPECT_NE(errors(load("[EASY_JWT]\nMAX_STALENESS = 0\n")).find("at least one second"),
            std::string::npos);
}

/// One file of variables for the whole fleet.
TEST_F(ClientSettings, TheOthersVariablesAreWarnings) {
  const auto loaded = load("[EASY_JWT]\nACCESS_TOKEN_LIFETIME = 300\nSIGNING_KEY = \"\"\n",
                           {{"EASYJWT_EASY_JWT__SIGNING_KEY", "geheim"},
                            {"EASYJWT_EASY_JWT__ROTATE_REFRESH_TOKENS", "false"}});
  EXPECT_EQ(errors(loaded), "");
  ASSERT_EQ(loaded.warnings.size(), 1u);
  EXPECT_EQ(loaded.warnings[0].str(),
            "EASYJWT_EASY_JWT__SIGNING_KEY: EASY_JWT.SIGNING_KEY: is of the auth-service: a "
            "client-service has no use for it");
}

TEST_F(Settings, TheApplicationsDecideAboutTheBlacklist) {
  const auto loaded =
      load_text("SECRET_KEY = \"x\"\nINSTALLED_APPS = [\"easyjwt_auth\", \"easyjwt_user\"]\n");
  ASSERT_EQ(errors(loaded), "");
  EXPECT_FALSE(loaded.settings.auth.token_blacklist);
}

TEST_F(Settings, AnAudienceIsAStringOrAList) {
  EXPECT_EQ(load("[EASY_JWT]\nAUDIENCE = \"a\"\n").settings.token.audience,
            std::vector<std::string>{"a"});
  EXPECT_FALSE(load("[EASY_JWT]\nAUDIENCE = \"a\"\n").settings.token.audience_is_list);
  EXPECT_TRUE(load("[EASY_JWT]\nAUDIENCE = \"\"\n").settings.token.audience.empty());
}

TEST_F(Settings, KeysArePemTextOrFiles) {
  const std::string pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
  folder_.write("key.pem", pem);
  folder_.write("noise.pem", "noise");
  const std::string rs256 = "[EASY_JWT]\nALGORITHM = \"RS256\"\n";
  EXPECT_EQ(load(rs256 + "SIGNING_KEY = \"key.pem\"\n").settings.token.signing_key.view(), pem);
  EXPECT_EQ(load(rs256 + "SIGNING_KEY = '''" + pem + "'''\nVERIFYING_KEY = \"key.pem\"\n")
                .settings.token.verifying_key,
            pem);
  EXPECT_EQ(errors(load(rs256 + "SIGNING_KEY = \"noise.pem\"\n")),
            file() +
                ":5: EASY_JWT.SIGNING_KEY: is neither PEM text nor the path of a readable PEM "
                "file\n");
  // With a shared secret it is no path.
  EXPECT_EQ(load("[EASY_JWT]\nSIGNING_KEY = \"key.pem\"\n").settings.token.signing_key.view(),
            "key.pem");
  EXPECT_EQ(errors(load(rs256 + "SIGNING_KEY = \"key.pem\"\nJWK_URL = \"https://x/\"\n")), "");
  EXPECT_EQ(errors(load("[EASY_JWT]\nJWK_URL = \"https://x/\"\n")), "");
}

TEST_F(Settings, TheEnvironmentWins) {
  const auto loaded = load("DEBUG = false\n[EASY_JWT]\nSIGNING_KEY = \"file\"\n",
                           {{"EASYJWT_DEBUG", "true"},
                            {"EASYJWT_EASY_JWT__SIGNING_KEY", "[not json]"},
                            {"EASYJWT_DATABASE__URL", "sqlite:////var/x.sqlite3"},
                            {"EASYJWT_ALLOWED_HOSTS", R"(["a", ".b"])"},
                            {"EASYJWT_EASY_JWT__ACCESS_TOKEN_LIFETIME", "10m"},
                            {"EASYJWT_EASY_JWT__REFRESH_TOKEN_LIFETIME", "60"},
                            {"EASYJWT_EASY_JWT__AUDIENCE", "fleet"},
                            {"EASYJWT_EASY_JWT__ISSUER", "5"},
                            {"EASYJWT_SERVER", R"({"THREADS": 2, "LISTEN": ":80"})"},
                            {"EASYJWT_CONFIG", "x"},
                            {"EASYJWT_SUPERUSER_PASSWORD", "x"}});
  ASSERT_EQ(errors(loaded), "");
  EXPECT_TRUE(loaded.warnings.empty());
  const auto& s = loaded.settings;
  EXPECT_TRUE(s.debug);
  EXPECT_EQ(s.token.signing_key.view(), "[not json]");
  EXPECT_EQ(s.database.url, "sqlite:////var/x.sqlite3");
  EXPECT_EQ(s.allowed_hosts, (std::vector<std::string>{"a", ".b"}));
  EXPECT_EQ(s.token.access_lifetime.count(), 600);
  EXPECT_EQ(s.token.refresh_lifetime.count(), 60);
  EXPECT_EQ(s.token.audience, std::vector<std::string>{"fleet"});
  EXPECT_EQ(s.token.issuer, "5");
  EXPECT_EQ(s.server.threads, 2u);
  EXPECT_EQ(s.server.listen, ":80");
}

TEST_F(Settings, TheEnvironmentAloneIsEnough) {
  const auto loaded =
      load_text("", {{"EASYJWT_SECRET_KEY", "x"},
                     {"EASYJWT_INSTALLED_APPS", R"(["easyjwt_auth", "easyjwt_user"])"}});
  EXPECT_EQ(errors(loaded), "");
}

TEST_F(Settings, ErrorsOfTheEnvironmentNameTheVariable) {
  const auto loaded = load("", {{"EASYJWT_DEBUG", "maybe"},
                                {"EASYJWT_ALLOWED_HOSTS", "a,b"},
                                {"EASYJWT_SERVER", "x"},
                                {"EASYJWT_EASY_JWT", R"({"NOPE_NOPE": 1})"}});
  EXPECT_EQ(errors(loaded),
            "EASYJWT_SERVER: SERVER: must be a table, written as a JSON object\n"
            "EASYJWT_EASY_JWT: EASY_JWT.NOPE_NOPE: is not a setting\n"
            "EASYJWT_DEBUG: DEBUG: expected true or false, found a string\n"
            "EASYJWT_ALLOWED_HOSTS: ALLOWED_HOSTS: expected a list of strings, found a string\n");
}

TEST_F(Settings, UnknownVariablesAreWarnings) {
  const auto loaded = load("", {{"EASYJWT_PORT", "tcp://10.0.0.1:80"},
                                {"EASYJWT_SERVICE_HOST", "10.0.0.1"},
                                {"EASYJWT_EASY_JWT__SIGNINGKEY", "geheim"}});
  EXPECT_EQ(errors(loaded), "");
  ASSERT_EQ(loaded.warnings.size(), 3u);
  EXPECT_EQ(loaded.warnings[0].str(), "EASYJWT_PORT: is not a setting");
  EXPECT_EQ(loaded.warnings[2].str(),
            "EASYJWT_EASY_JWT__SIGNINGKEY: is not a setting; did you mean EASY_JWT.SIGNING_KEY?");
}

TEST_F(Settings, LocatesWhatConstructorsFind) {
  const auto loaded = load("[EASY_JWT]\nSIGNING_KEY = \"x\"\n");
  EXPECT_EQ(loaded.locate(SettingsError("EASY_JWT.SIGNING_KEY", "is odd")).str(),
            file() + ":4: EASY_JWT.SIGNING_KEY: is odd");
  EXPECT_EQ(loaded.locate(SettingsError("EASY_JWT.ALGORITHM", "is odd")).str(),
            file() + ": EASY_JWT.ALGORITHM: is odd");
}

/// Every key with its default, as the contract has them; what is not here is in no row.
TEST_F(Settings, DefaultsAreTheContracts) {
  const std::map<std::string_view, std::string_view> contract{
      {"SECRET_KEY", R"("")"},
      {"SECRET_KEY_FALLBACKS", "[]"},
      {"DEBUG", "false"},
      {"LANGUAGE_CODE", R"("en-us")"},
      {"USE_I18N", "true"},
      {"ALLOWED_HOSTS", R"(["localhost", "127.0.0.1", "[::1]"])"},
      {"INSTALLED_APPS",
       R"(["easyjwt_auth", "easyjwt_auth.token_blacklist", "easyjwt_user", "admin"])"},
      {"AUTHENTICATION_BACKENDS", R"(["ModelBackend"])"},
      {"AUTH_PASSWORD_VALIDATORS",
       R"(["UserAttributeSimilarityValidator", "MinimumLengthValidator", )"
       R"("CommonPasswordValidator", "NumericPasswordValidator"])"},
      {"PASSWORD_HASHERS",
       R"(["argon2", "pbkdf2_sha256", "pbkdf2_sha1", "bcrypt_sha256", "bcrypt", "scrypt"])"},
      {"PASSWORD_UPGRADE", "true"},
      {"SESSION_COOKIE_AGE", "1209600"},
      {"SESSION_IDLE_AGE", R"("")"},
      {"SESSION_COOKIE_NAME", R"("sessionid")"},
      {"SESSION_COOKIE_SECURE", "false"},
      {"SESSION_COOKIE_HTTPONLY", "true"},
      {"SESSION_COOKIE_SAMESITE", R"("Lax")"},
      {"SESSION_COOKIE_DOMAIN", R"("")"},
      {"SESSION_COOKIE_PATH", R"("/")"},
      {"CSRF_PROTECTION", "true"},
      {"CSRF_COOKIE_NAME", R"("csrftoken")"},
      {"CSRF_COOKIE_AGE", "31449600"},
      {"CSRF_COOKIE_SECURE", "false"},
      {"CSRF_COOKIE_HTTPONLY", "false"},
      {"CSRF_COOKIE_SAMESITE", R"("Lax")"},
      {"CSRF_COOKIE_DOMAIN", R"("")"},
      {"CSRF_COOKIE_PATH", R"("/")"},
      {"CSRF_HEADER_NAME", R"("HTTP_X_CSRFTOKEN")"},
      {"FORWARD_AUTH.RULES", "[]"},
      {"FORWARD_AUTH.FIELDS", "[]"},
      {"CSRF_TRUSTED_ORIGINS", "[]"},
      {"CORS_ALLOWED_ORIGINS", "[]"},
      {"CORS_ALLOW_CREDENTIALS", "false"},
      {"CORS_ALLOW_HEADERS",
       R"(["accept", "authorization", "content-type", "user-agent", "x-csrftoken", )"
       R"("x-requested-with"])"},
      {"EMAIL_HOST", R"("")"},
      {"EMAIL_PORT", "25"},
      {"EMAIL_HOST_USER", R"("")"},
      {"EMAIL_HOST_PASSWORD", R"("")"},
      {"EMAIL_USE_TLS", "false"},
      {"EMAIL_USE_SSL", "false"},
      {"EMAIL_TIMEOUT", R"("10s")"},
      {"EMAIL_FILE_PATH", R"("mail")"},
      {"DEFAULT_FROM_EMAIL", R"("webmaster@localhost")"},
      {"PASSWORD_RESET_TIMEOUT", R"("1h")"},
      {"EMAIL_VERIFICATION", "false"},
      {"EMAIL_VERIFICATION_TIMEOUT", R"("1d")"},
      {"PUBLIC_ORIGIN", R"("")"},
      {"DATABASE.URL", R"("sqlite:///easyjwt.sqlite3")"},
      {"DATABASE.LISTEN_URL", R"("")"},
      {"DATABASE.POOL_SIZE", "16"},
      {"SERVER.LISTEN", R"("127.0.0.1:8000")"},
      {"SERVER.THREADS", "0"},
      {"SERVER.TLS_CERTIFICATE", R"("")"},
      {"SERVER.TLS_KEY", R"("")"},
      {"SERVER.TRUSTED_PROXIES", "[]"},
      {"SERVER.DRAIN_SECONDS", "0"},
      {"SERVER.LOG_FORMAT", R"("text")"},
      {"REST_FRAMEWORK.DEFAULT_AUTHENTICATION_CLASSES",
       R"(["JWTAuthentication", "SessionAuthentication"])"},
      {"REST_FRAMEWORK.DEFAULT_PERMISSION_CLASSES", R"(["IsAuthenticated"])"},
      {"EASY_JWT.ACCESS_TOKEN_LIFETIME", R"("5m")"},
      {"EASY_JWT.REFRESH_TOKEN_LIFETIME", R"("1d")"},
      {"EASY_JWT.ROTATE_REFRESH_TOKENS", "false"},
      {"EASY_JWT.BLACKLIST_AFTER_ROTATION", "false"},
      {"EASY_JWT.UPDATE_LAST_LOGIN", "false"},
      {"EASY_JWT.ALGORITHM", R"("HS256")"},
      {"EASY_JWT.SIGNING_KEY", R"("")"},
      {"EASY_JWT.VERIFYING_KEY", R"("")"},
      {"EASY_JWT.AUDIENCE", R"("")"},
      {"EASY_JWT.ISSUER", R"("")"},
      {"EASY_JWT.JWK_URL", R"("")"},
      {"EASY_JWT.LEEWAY", "0"},
      {"EASY_JWT.ACCESS_TOKEN_TYP", R"("")"},
      {"EASY_JWT.AUTH_HEADER_TYPES", R"(["Bearer"])"},
      {"EASY_JWT.AUTH_HEADER_NAME", R"("HTTP_AUTHORIZATION")"},
      {"EASY_JWT.USER_ID_FIELD", R"("id")"},
      {"EASY_JWT.USER_ID_CLAIM", R"("user_id")"},
      {"EASY_JWT.USER_AUTHENTICATION_RULE", R"("default_user_authentication_rule")"},
      {"EASY_JWT.AUTH_TOKEN_CLASSES", R"(["AccessToken"])"},
      {"EASY_JWT.TOKEN_TYPE_CLAIM", R"("token_type")"},
      {"EASY_JWT.JTI_CLAIM", R"("jti")"},
      {"EASY_JWT.TOKEN_USER_CLASS", R"("TokenUser")"},
      {"EASY_JWT.SLIDING_TOKEN_REFRESH_EXP_CLAIM", R"("refresh_exp")"},
      {"EASY_JWT.SLIDING_TOKEN_LIFETIME", R"("5m")"},
      {"EASY_JWT.SLIDING_TOKEN_REFRESH_LIFETIME", R"("1d")"},
      {"EASY_JWT.TOKEN_OBTAIN_SERIALIZER", R"("TokenObtainPairSerializer")"},
      {"EASY_JWT.TOKEN_REFRESH_SERIALIZER", R"("TokenRefreshSerializer")"},
      {"EASY_JWT.TOKEN_VERIFY_SERIALIZER", R"("TokenVerifySerializer")"},
      {"EASY_JWT.TOKEN_BLACKLIST_SERIALIZER", R"("TokenBlacklistSerializer")"},
      {"EASY_JWT.SLIDING_TOKEN_OBTAIN_SERIALIZER", R"("TokenObtainSlidingSerializer")"},
      {"EASY_JWT.SLIDING_TOKEN_REFRESH_SERIALIZER", R"("TokenRefreshSlidingSerializer")"},
      {"EASY_JWT.CHECK_REVOKE_TOKEN", "false"},
      {"EASY_JWT.REVOKE_TOKEN_CLAIM", R"("hash_password")"},
      {"EASY_JWT.USER_MODEL_SERIALIZER", R"("TokenUserSerializer")"},
      {"EASY_JWT.CREATE_USER_OPEN", "true"},
      {"EASY_JWT.FLUSH_INTERVAL", R"("")"},
      {"EASY_JWT.LOGIN_HISTORY", R"("90d")"},
      {"EASY_JWT.STORE_TOKEN_TEXT", "true"},
      {"EASY_JWT.DETECT_REUSE", "false"},
      {"EASY_JWT.ROTATION_GRACE", "0"},
      {"EASY_JWT.SESSION_CLAIM", R"("")"},
      {"EASY_JWT.KEY_ROTATION_INTERVAL", R"("")"},
      {"EASY_JWT.VERIFY_MODE", R"("remote")"},
      {"EASY_JWT.LOCAL_USER_LIFETIME", R"("1m")"},
      {"EASY_JWT.FEED_CLIENT_ID", R"("")"},
      {"EASY_JWT.FEED_CLIENT_SECRET", R"("")"},
      {"EASY_JWT.MAX_STALENESS", R"("5s")"},
      {"EASY_JWT.STALENESS_POLICY", R"("remote")"},
      {"EASY_JWT.REMOTE_AUTH_SERVICE_URL", R"("http://127.0.0.1:8000")"},
      {"EASY_JWT.REMOTE_AUTH_SERVICE_TOKEN_PATH", R"("/auth/token/")"},
      {"EASY_JWT.REMOTE_AUTH_SERVICE_REFRESH_PATH", R"("/auth/token/refresh/")"},
      {"EASY_JWT.REMOTE_AUTH_SERVICE_VERIFY_PATH", R"("/auth/token/verify/")"},
      {"EASY_JWT.REMOTE_AUTH_SERVICE_USER_PATH", R"("/auth/user/")"},
      {"EASY_JWT.REMOTE_AUTH_SERVICE_PASSWORD_CHANGE_PATH", R"("/auth/password-change/")"},
      {"EASY_JWT.REMOTE_AUTH_SERVICE_BLACKLIST_PATH", R"("/auth/token/blacklist/")"},
      {"EASY_JWT.REMOTE_AUTH_REQUEST_TIMEOUT", "30"},
      {"EASY_JWT.REMOTE_AUTH_SSL_VERIFY", "true"},
      {"EASY_JWT.REFRESH_TOKEN_IN_COOKIE", "false"},
      {"EASY_JWT.AUTH_COOKIE_NAME", R"("refresh_token")"},
      {"EASY_JWT.AUTH_COOKIE_HTTP_ONLY", "true"},
      {"EASY_JWT.AUTH_COOKIE_SECURE", "false"},
      {"EASY_JWT.AUTH_COOKIE_SAMESITE", R"("Lax")"},
      {"EASY_JWT.AUTH_COOKIE_PATH", R"("/")"},
      {"EASY_JWT.AUTH_COOKIE_DOMAIN", R"("")"},
      {"EASY_JWT.AUTH_COOKIE_MAX_AGE", R"("")"},
      {"EASY_JWT.ALLOWED_AUTH_ORIGINS", "[]"},
      {"EASY_JWT.BLACKLIST_ON_LOGOUT", "true"},
  };
  std::map<std::string_view, std::string> shown;
  for (const auto& row : settings_table()) {
    EXPECT_TRUE(shown.emplace(row.key, row.show(ServiceSettings{})).second) << row.key;
    EXPECT_FALSE(row.text.empty()) << row.key;
  }
  EXPECT_EQ(shown.size(), contract.size());
  for (const auto& [key, value] : contract) EXPECT_EQ(shown[key], value) << key;
}

/// What is shown as a default can be written down, and is the default: the members' values and the
/// rows' texts cannot drift apart.
TEST_F(Settings, AShownDefaultIsTheDefault) {
  for (const auto& row : settings_table()) {
    if (row.required) continue;
    const auto section = row.section().empty() ? "" : '[' + std::string(row.section()) + "]\n";
    const auto loaded =
        load(section + std::string(row.name()) + " = " + row.show(ServiceSettings{}) + '\n');
    EXPECT_TRUE(loaded.warnings.empty()) << row.key;
    EXPECT_EQ(errors(loaded), "") << row.key;
    // Those that are made absolute or filled in when all is read.
    if (row.key == "DATABASE.URL" || row.key == "EMAIL_FILE_PATH" || row.secret) continue;
    EXPECT_EQ(row.show(loaded.settings), row.show(ServiceSettings{})) << row.key;
  }
}

class ProjectFile : public Settings, public testing::WithParamInterface<ServiceKind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, ProjectFile,
                         testing::Values(ServiceKind::auth, ServiceKind::client),
                         [](const auto& kind) {
                           return kind.param == ServiceKind::auth ? "auth" : "client";
                         });

TEST_P(ProjectFile, Loads) {
  const bool is_client = GetParam() == ServiceKind::client;
  const auto other = is_client ? SettingRow::Audience::auth : SettingRow::Audience::client;
  const auto text =
      project_file(GetParam(), "secret-key-of-a-test-that-is-long-enough-for-it", "0123abcd");
  const auto loaded = load_text(text);
  ASSERT_EQ(errors(loaded), "");
  EXPECT_EQ(loaded.settings.kind, GetParam());
  EXPECT_EQ(loaded.settings.token.signing_key.view(), is_client ? "" : "0123abcd");
  // Every setting is shown, and each commented line is sound, too.
  std::string uncommented;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find(" = ");
    const bool is_setting =
        line.starts_with("# ") && equals != line.npos && line.find(' ', 2) == equals;
    uncommented += (is_setting ? line.substr(2) : line) + '\n';
  }
  const auto whole = load_text(uncommented);
  EXPECT_EQ(errors(whole), "");
  const auto defaults = ServiceSettings::of(GetParam());
  EXPECT_EQ(whole.settings.authentication_backends, defaults.authentication_backends);
  EXPECT_EQ(whole.settings.authentication_classes, defaults.authentication_classes);
  for (const auto& row : settings_table()) {
    const auto found = uncommented.find('\n' + std::string(row.name()) + " = ");
    const bool is_theirs =
        row.audience == other && !(row.judging && GetParam() == ServiceKind::client);
    EXPECT_EQ(found == std::string::npos, is_theirs) << row.key;
  }
}

/// UPDATE_DOCS=1 service_tests --gtest_filter=*Reference* writes it anew.
TEST(SettingsReference, IsUpToDate) {
  const std::string file = EASYJWT_TESTS_DIR "/../docs/settings.md";
  if (std::getenv("UPDATE_DOCS") != nullptr) {
    std::ofstream(file, std::ios::binary) << settings_reference();
  }
  EXPECT_EQ(read_whole(file), settings_reference());
}

}  // namespace
}  // namespace easyjwt
