#include "service/forward_auth/identity_headers.hpp"

#include <algorithm>
#include <array>

#include "easyjwt/core/json.hpp"
#include "easyjwt/core/settings_error.hpp"

namespace easyjwt {
namespace {

constexpr std::array<std::string_view, 4> standard{"X-Auth-User-Id", "X-Auth-Email",
                                                   "X-Auth-Is-Staff", "X-Auth-Groups"};

void append_value(std::string& out, const json::value& value) {
  if (value.is_string()) {
    out += encode_header_value(value.get_string());
  } else if (value.is_array()) {
    std::string_view between;
    for (const auto& element : value.get_array()) {
      out += between;
      append_value(out, element);
      between = ", ";
    }
  } else if (value.is_object()) {
    std::string text;
    append_json(text, value);
    out += encode_header_value(text);
  } else if (!value.is_null()) {
    append_json(out, value);
  }
}

/// "access_group.name" as "X-Auth-Access-Group-Name"; empty: it makes none.
std::string header_of(std::string_view field) {
  std::string out = "X-Auth-";
  bool first = true;
  for (const char c : field) {
    if (c == '_' || c == '.') {
      if (first) return {};
      out += '-';
      first = true;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
      out += first && c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
      first = false;
    } else {
      return {};
    }
  }
  return first ? std::string() : out;
}

bool same_header(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? x + 32 : x) == (y >= 'A' && y <= 'Z' ? y + 32 : y);
  });
}

}  // namespace

std::string encode_header_value(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool at_an_end = i == 0 || i + 1 == text.size();
    if (c < 0x20 || c >= 0x7f || c == '%' || c == ',' || (c == ' ' && at_an_end)) {
      out += '%';
      out += digits[c >> 4];
      out += digits[c & 15];
    } else {
      out += text[i];
    }
  }
  return out;
}

IdentityHeaders::IdentityHeaders(const std::vector<std::string>& fields) {
  for (const auto& name : fields) {
    Field field{header_of(name), {}};
    const auto is_taken = [&](std::string_view header) {
      return same_header(header, field.header);
    };
    if (field.header.empty() || std::any_of(standard.begin(), standard.end(), is_taken) ||
        std::any_of(fields_.begin(), fields_.end(),
                    [&](const Field& other) { return is_taken(other.header); })) {
      throw SettingsError(
          "FORWARD_AUTH.FIELDS",
          "\"" + name + "\" makes no header of its own: letters, digits, '_' and '.'");
    }
    std::string_view rest = name;
    while (!rest.empty()) {
      field.path.emplace_back(rest.substr(0, rest.find('.')));
      rest.remove_prefix(std::min(field.path.back().size() + 1, rest.size()));
    }
    fields_.push_back(std::move(field));
  }
}

std::string IdentityHeaders::of(const Identity* identity) const {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) {
    out.append(name).append(": ").append(value).append("\r\n");
  };
  std::string groups;
  if (identity != nullptr) {
    for (const auto& group : identity->groups) {
      if (!groups.empty()) groups += ", ";
      groups += encode_header_value(group);
    }
  }
  const bool known = identity != nullptr;
  // An account of this service's own has no id at the auth-service.
  const bool is_remote = known && identity->remote_id != 0;
  add(standard[0], is_remote ? std::to_string(identity->remote_id) : std::string());
  add(standard[1], known ? encode_header_value(identity->email) : std::string());
  add(standard[2], known ? identity->is_staff ? "true" : "false" : "");
  add(standard[3], groups);
  for (const auto& field : fields_) {
    std::string value;
    const json::object* object = known ? &identity->user : nullptr;
    for (std::size_t i = 0; object != nullptr && i < field.path.size(); ++i) {
      const auto* member = object->if_contains(field.path[i]);
      if (member != nullptr && i + 1 == field.path.size()) append_value(value, *member);
      object = member != nullptr ? member->if_object() : nullptr;
    }
    add(field.header, value);
  }
  return out;
}

}  // namespace easyjwt
