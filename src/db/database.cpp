#include "easyjwt/db/database.hpp"

#include "db/postgresql_database.hpp"
#include "db/sqlite_database.hpp"

namespace easyjwt::db {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Undoes %XX (RFC 3986 section 2.1). nullopt for anything that is not %XX, and for a NUL, at which
/// the system would take the name to end.
std::optional<std::string> decode_percent(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  return out;
}

/// The path of sqlite:///relative and sqlite:////absolute; ":memory:" of sqlite://:memory:.
Result<std::string> sqlite_path(std::string_view rest) {
  if (rest == ":memory:") return std::string(rest);
  if (!rest.starts_with('/')) {
    return fail(Errc::refused, {},
                "DATABASE URL: expected sqlite:///relative or sqlite:////absolute");
  }
  rest.remove_prefix(1);
  if (rest.find_first_of("?#") != rest.npos) {
    return fail(Errc::refused, {},
                "DATABASE URL: sqlite takes no options (write ? as %3F, # as %23)");
  }
  auto path = decode_percent(rest);
  if (!path || path->empty() || *path == ":memory:") {
    return fail(Errc::refused, {}, "DATABASE URL: not a file name");
  }
  return *std::move(path);
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const DatabaseSettings& settings, Log log) {
  const std::string_view url = settings.url;
  constexpr std::string_view sqlite = "sqlite://";
  if (url.starts_with("postgresql://") || url.starts_with("postgres://")) {
    return open_postgresql_database(settings, std::move(log));
  }
  if (!settings.listen_url.empty()) {
    return fail(Errc::refused, {}, "DATABASE LISTEN_URL: only beside a postgresql:// URL");
  }
  // The URL itself is not repeated: with another scheme it may hold a password.
  if (!url.starts_with(sqlite)) {
    return fail(Errc::refused, {}, "DATABASE URL: begins with neither sqlite:// nor postgresql://");
  }
  const auto path = sqlite_path(url.substr(sqlite.size()));
  if (!path) return fail(path.error());
  return open_sqlite_database(*path, settings, std::move(log));
}

}  // namespace easyjwt::db
