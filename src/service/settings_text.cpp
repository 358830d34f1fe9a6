// What people read about the settings, made from the table that the program reads them by.
#include <string>

#include "service/settings_table.hpp"

namespace easyjwt {
namespace {

using Audience = SettingRow::Audience;

const ServiceSettings& defaults(ServiceKind kind) {
  static const auto auth = ServiceSettings::of(ServiceKind::auth);
  static const auto client = ServiceSettings::of(ServiceKind::client);
  return kind == ServiceKind::client ? client : auth;
}

std::string title(std::string_view section) {
  return section.empty() ? std::string("At the top") : '[' + std::string(section) + ']';
}

std::string reference_row(const SettingRow& row) {
  const auto shown = row.show(defaults(ServiceKind::auth));
  const auto of_client = row.show(defaults(ServiceKind::client));
  std::string value = row.required && row.secret ? "" : '`' + shown + '`';
  if (of_client != shown) value += "; client-service: `" + of_client + '`';
  if (row.required) value += value.empty() ? "required" : " (required)";
  std::string text(row.text);
  if (row.judging) text += "; *";
  return "| `" + std::string(row.name()) + "` | " + std::string(row.type) + " | " + value + " | " +
         text + " |\n";
}

/// The rows that `wanted` takes, a table per section.
template <class Wanted>
std::string reference_tables(const Wanted& wanted) {
  std::string out;
  std::string_view section = "?";
  for (const auto& row : settings_table()) {
    if (!wanted(row)) continue;
    if (row.section() != section) {
      section = row.section();
      out +=
          "\n### " + title(section) + "\n\n| key | type | default | meaning |\n|---|---|---|---|\n";
    }
    out += reference_row(row);
  }
  return out;
}

}  // namespace

std::string project_file(ServiceKind kind, std::string_view secret_key,
                         std::string_view signing_key) {
  const bool is_client = kind == ServiceKind::client;
  std::string out = "# The settings of an easyjwt ";
  out += is_client ? "client" : "auth";
  out +=
      "-service. What is commented out shows its default.\n"
      "# Keep this file to yourself (mode 0600): it holds keys. docs/settings.md says more.\n";
  std::string_view section;
  for (const auto& row : settings_table()) {
    if (row.audience == (is_client ? Audience::auth : Audience::client) &&
        !(is_client && row.judging)) {
      continue;
    }
    if (row.section() != section) {
      section = row.section();
      out += "\n\n[" + std::string(section) + "]";
    }
    out += "\n";
    if (!row.text.empty()) out += "# " + std::string(row.text) + "\n";
    std::string value = row.show(defaults(kind));
    bool set = row.required;
    for (const auto& [key, made] :
         {std::pair{"SECRET_KEY", secret_key}, std::pair{"EASY_JWT.SIGNING_KEY", signing_key}}) {
      if (row.key != key || (is_client && row.judging)) continue;
      value = '"' + std::string(made) + '"';
      set = true;
    }
    out += (set ? "" : "# ") + std::string(row.name()) + " = " + value + "\n";
  }
  return out;
}

std::string settings_reference() {
  const auto rows_of = [](Audience audience) {
    return reference_tables([=](const SettingRow& row) { return row.audience == audience; });
  };
  return R"(# Settings

<!-- Made from the table in src/service/settings_table.cpp; tests/service/settings_test.cpp says how. -->

The settings are a TOML file: `easyjwt --config FILE`, else `$EASYJWT_CONFIG`, else `./easyjwt.toml`.
`easyjwt startproject auth DIR`, or `client`, writes one with fresh keys and every setting shown.
`easyjwt check` judges it.

- A lifetime is a number of seconds or a string like `"90s"`, `"5m"`, `"12h"`, `"1d"`.
- A list of Python classes takes their dotted paths, too (`"easyjwt_auth.tokens.SlidingToken"`): the last
  part counts.
- Paths, and the file of `DATABASE.URL`, are relative to the settings file.
- For ES*, RS*, PS* and EdDSA, `SIGNING_KEY` and `VERIFYING_KEY` are PEM text or the path of a PEM file.
- Every key can come from the environment, which wins: `EASYJWT_` and its path joined by two underscores
  (`EASYJWT_SECRET_KEY`, `EASYJWT_DATABASE__URL`, `EASYJWT_EASY_JWT__SIGNING_KEY`). A string is written
  as it is; a list is JSON. A variable with that prefix that names no setting is a warning.
- An unknown key, a wrong type or a missing required key is an error that names file, line and key.
- A key of the other service is an error, unless its value is the default; in a variable, which may be
  meant for the whole fleet, it is a warning.

## Both services
)" + rows_of(Audience::both) +
         "\n## The auth-service\n\n*: also of a client-service with VERIFY_MODE \"local\".\n" +
         rows_of(Audience::auth) + "\n## The client-service\n" + rows_of(Audience::client);
}

}  // namespace easyjwt
