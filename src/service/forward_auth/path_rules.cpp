#include "service/forward_auth/path_rules.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/settings_error.hpp"

namespace easyjwt {
namespace {

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/// nullopt: not an encoding.
std::optional<char> encoded_at(std::string_view text, std::size_t i) {
  if (i + 2 >= text.size() || text[i] != '%') return std::nullopt;
  const int high = hex_value(text[i + 1]);
  const int low = hex_value(text[i + 2]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high * 16 + low);
}

/// nullopt: what not everybody would read in the same way.
std::optional<std::string> decode(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (c == '%') {
      const auto decoded = encoded_at(path, i);
      if (!decoded || *decoded == '/' || *decoded == '\\') return std::nullopt;
      c = *decoded;
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return std::nullopt;
    out += c;
  }
  // What decodes once more into something that means something.
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto again = encoded_at(out, i);
    if (again && std::string_view("./\\;%").find(*again) != std::string_view::npos) {
      return std::nullopt;
    }
  }
  return out;
}

/// The segments joined again; nullopt: beyond the root.
std::optional<std::string> walk(std::string_view path, bool with_parameters) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the '/'
    auto segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    // "..;x" is ".." to whoever cuts parameters off, and a name to others.
    if (!with_parameters) segment = segment.substr(0, segment.find(';'));
    if (segment.empty() || segment == ".") continue;
    if (segment != "..") {
      segments.push_back(segment);
    } else if (segments.empty()) {
      return std::nullopt;
    } else {
      segments.pop_back();
    }
  }
  std::string out;
  for (const auto segment : segments) out.append("/").append(segment);
  return out.empty() ? "/" : out;
}

/// nullopt: there is none of that name.
std::optional<Permission> parse_permission(std::string_view name) {
  if (name.starts_with('!')) {
    auto turned = parse_permission(name.substr(1));
    if (!turned) return std::nullopt;
    return !*std::move(turned);
  }
  if (name == "AllowAny") return allow_any();
  if (name == "IsAuthenticated") return is_authenticated();
  if (name == "IsAdminUser") return is_admin_user();
  if (name == "IsAuthenticatedOrReadOnly") return is_authenticated_or_read_only();
  constexpr std::string_view perm = "has_perm:";
  if (name.starts_with(perm) && name.find('.') != name.npos) {
    return has_perm(std::string(name.substr(perm.size())));
  }
  constexpr std::string_view group = "in_group:";
  if (name.starts_with(group) && name.size() > group.size()) {
    auto wanted = decode(name.substr(group.size()));
    if (!wanted) return std::nullopt;
    return Permission([wanted = *std::move(wanted)](const Access& access) {
      if (access.identity == nullptr || !access.identity->is_active) return false;
      const auto& groups = access.identity->groups;
      return std::find(groups.begin(), groups.end(), wanted) != groups.end();
    });
  }
  return std::nullopt;
}

bool lies_under(std::string_view path, std::string_view rule) {
  if (rule == "/") return true;
  return path.starts_with(rule) && (path.size() == rule.size() || path[rule.size()] == '/');
}

}  // namespace

PathRule parse_path_rule(std::string_view text) {
  const auto wrong = [&](std::string_view what) {
    return SettingsError("FORWARD_AUTH.RULES", "\"" + std::string(text) + "\" " +
                                                   std::string(what) +
                                                   ": \"[METHODS] /path PERMISSION...\"");
  };
  std::vector<std::string_view> words;
  constexpr std::string_view space = " \t";
  for (auto rest = text;;) {
    rest.remove_prefix(std::min(rest.find_first_not_of(space), rest.size()));
    if (rest.empty()) break;
    words.push_back(rest.substr(0, rest.find_first_of(space)));
    rest.remove_prefix(words.back().size());
  }
  PathRule rule{{}, {}, allow_any()};
  std::size_t at = 0;
  if (!words.empty() && !words[0].starts_with('/')) {
    for (auto methods = words[at++];;) {
      const auto method = methods.substr(0, methods.find(','));
      const bool sound = !method.empty() && std::all_of(method.begin(), method.end(), [](char c) {
        return c >= 'A' && c <= 'Z';
      });
      if (!sound) throw wrong("has a method that is none");
      rule.methods.emplace_back(method);
      if (method.size() == methods.size()) break;
      methods.remove_prefix(method.size() + 1);
    }
  }
  if (at == words.size()) throw wrong("has no path");
  rule.path = words[at++];
  if (at == words.size()) throw wrong("has no permission");
  for (bool first = true; at < words.size(); ++at, first = false) {
    auto permission = parse_permission(words[at]);
    if (!permission) throw wrong("has a permission that is not known");
    rule.permission =
        first ? *std::move(permission) : std::move(rule.permission) && *std::move(permission);
  }
  return rule;
}

std::vector<std::string> meanings_of(std::string_view uri) {
  const auto path = uri.substr(0, uri.find_first_of("?#"));
  if (!path.starts_with('/')) return {};
  const auto decoded = decode(path);
  if (!decoded) return {};
  const auto with = walk(*decoded, true);
  const auto without = walk(*decoded, false);
  if (!with || !without) return {};
  if (*with == *without) return {*with};
  return {*with, *without};
}

PathRules::PathRules(std::vector<PathRule> rules) : rules_(std::move(rules)) {
  for (auto& rule : rules_) {
    while (rule.path.size() > 1 && rule.path.ends_with('/')) rule.path.pop_back();
    // As a service's author writes it: not encoded.
    const auto walked = rule.path.starts_with('/') ? walk(rule.path, true) : std::nullopt;
    const bool plain = rule.path.find_first_of("%;?#\\") == std::string::npos;
    if (!walked || *walked != rule.path || !plain) {
      throw SettingsError("FORWARD_AUTH.RULES",
                          "\"" + rule.path +
                              "\" is no plain path: one that begins with '/', without \"//\", "
                              "\"..\", '%', ';', '?' and '#'");
    }
  }
  std::stable_sort(rules_.begin(), rules_.end(), [](const PathRule& a, const PathRule& b) {
    return a.path.size() > b.path.size();
  });
}

const PathRule* PathRules::find(std::string_view method, std::string_view path) const {
  for (const auto& rule : rules_) {
    const auto& methods = rule.methods;
    if (lies_under(path, rule.path) &&
        (methods.empty() || std::find(methods.begin(), methods.end(), method) != methods.end())) {
      return &rule;
    }
  }
  return nullptr;
}

Result<void> PathRules::check(const Identity* identity, std::string_view method,
                              std::string_view uri) const {
  if (rules_.empty()) return is_authenticated().check({identity, method, uri});
  const auto paths = meanings_of(uri);
  if (method.empty() || paths.empty()) {
    return fail(Errc::permission_denied, {}, "a path or a method that no rule can be found for");
  }
  for (const auto& path : paths) {
    const auto* rule = find(method, path);
    if (rule == nullptr) return fail(Errc::permission_denied, {}, "no rule for the path");
    if (auto allowed = rule->permission.check({identity, method, path}); !allowed) return allowed;
  }
  return {};
}

}  // namespace easyjwt
