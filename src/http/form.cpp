#include "easyjwt/http/form.hpp"

#include <algorithm>
#include <utility>

#include "easyjwt/core/unicode.hpp"
#include "easyjwt/http/request.hpp"
#include "http/grammar.hpp"

namespace easyjwt::http {
namespace {

constexpr std::size_t max_fields = 1000;
constexpr std::size_t max_part_header = 8 * 1024;

tl::unexpected<Error> too_many_fields() {
  return fail(Errc::bad_request, {"Too many form fields.", {}});
}
tl::unexpected<Error> malformed(std::string why) {
  return fail(Errc::parse_error, {"Multipart form parse error - {}", {std::move(why)}});
}

/// How many bytes at the beginning of `text` belong together: a sequence of UTF-8 (`valid`), or
/// what one U+FFFD stands for, by Unicode's rule of maximal subparts, as Python replaces.
struct Sequence {
  std::size_t size = 1;
  bool valid = false;
};
Sequence next_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {1, true};
  std::size_t size = 0;
  unsigned char least = 0x80;
  unsigned char most = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    size = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    size = 3;
    if (lead == 0xe0) least = 0xa0;  // overlong
    if (lead == 0xed) most = 0x9f;   // surrogates
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    size = 4;
    if (lead == 0xf0) least = 0x90;
    if (lead == 0xf4) most = 0x8f;  // beyond U+10FFFF
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size() || byte(i) < least || byte(i) > most) return {i, false};
    least = 0x80;
    most = 0xbf;
  }
  return {size, true};
}

std::string to_utf8(std::string bytes) {
  if (is_utf8(bytes)) return bytes;
  std::string out;
  for (std::string_view rest = bytes; !rest.empty();) {
    const auto [size, valid] = next_sequence(rest);
    out += valid ? rest.substr(0, size) : "\xef\xbf\xbd";
    rest.remove_prefix(size);
  }
  return out;
}

/// The next "name=value" of a list of parameters, past its semicolon; the name in lower case, the
/// value without quotes. False at the end and at what is no parameter.
bool next_parameter(std::string_view& text, std::string& name, std::string& value) {
  text = trim_blanks(text);
  while (text.starts_with(';')) text = trim_blanks(text.substr(1));
  const auto equals = text.find_first_of("=;");
  if (equals == std::string_view::npos) return false;
  const auto raw_name = trim_blanks(text.substr(0, equals));
  name.assign(raw_name);
  std::transform(name.begin(), name.end(), name.begin(), to_lower);
  value.clear();
  if (text[equals] == ';') {
    text.remove_prefix(equals);
    return true;
  }
  text = trim_blanks(text.substr(equals + 1));
  if (!text.starts_with('"')) {
    const auto end = std::min(text.find(';'), text.size());
    value = trim_blanks(text.substr(0, end));
    text.remove_prefix(end);
    return true;
  }
  std::size_t i = 1;
  for (; i < text.size() && text[i] != '"'; ++i) {
    const bool escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\');
    if (escape) ++i;
    value += text[i];
  }
  if (i == text.size()) return false;
  text.remove_prefix(i + 1);
  return true;
}

/// RFC 2046 section 5.1.1: bchars, not ending in a space.
bool is_boundary(std::string_view text) {
  return !text.empty() && text.size() <= 70 && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || is_letter(c) ||
                  std::string_view("'()+_,-./:=? ").find(c) != std::string_view::npos;
         });
}

struct PartHead {
  std::string name;
  bool has_name = false;
  bool is_file = false;
};

PartHead read_part_head(std::string_view text) {
  PartHead head;
  while (!text.empty()) {
    const auto end = std::min(text.find("\r\n"), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 2, text.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos ||
        !equal_ignoring_case(trim_blanks(line.substr(0, colon)), "content-disposition")) {
      continue;
    }
    auto parameters = line.substr(colon + 1);
    parameters.remove_prefix(std::min(parameters.find(';'), parameters.size()));
    std::string name;
    std::string value;
    while (next_parameter(parameters, name, value)) {
      if (name == "name") {
        head.name = to_utf8(value);
        head.has_name = true;
      } else if (name == "filename" || name == "filename*") {
        head.is_file = true;
      }
    }
  }
  return head;
}

/// Where the text between two delimiters ends, and what comes behind the delimiter.
struct Delimiter {
  std::size_t at = std::string_view::npos;
  std::size_t after = 0;
  bool last = false;
};

/// The first delimiter line from `from` on. A line that only begins like one is none.
Delimiter find_delimiter(std::string_view body, std::string_view mark, std::size_t from) {
  // `mark` is CRLF "--" boundary; before the very first the CRLF may be missing.
  for (;; from += 1) {
    std::size_t end = 0;
    if (from == 0 && body.starts_with(mark.substr(2))) {
      end = mark.size() - 2;
    } else {
      from = body.find(mark, from);
      if (from == std::string_view::npos) return {};
      end = from + mark.size();
    }
    if (body.substr(end, 2) == "--") return {from, end + 2, true};
    const auto rest = body.substr(end);
    const auto blanks = std::min(rest.find_first_not_of(" \t"), rest.size());
    if (rest.substr(blanks, 2) == "\r\n") return {from, end + blanks + 2, false};
  }
}

}  // namespace

const std::string* Form::find(std::string_view name) const noexcept {
  const auto found = std::find_if(fields_.rbegin(), fields_.rend(),
                                  [name](const auto& field) { return field.first == name; });
  return found == fields_.rend() ? nullptr : &found->second;
}

// As Python's unquote_plus.
std::string decode_urlencoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
               hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return to_utf8(std::move(out));
}

Result<Form> parse_urlencoded(std::string_view text) {
  if (std::count(text.begin(), text.end(), '&') >= std::ptrdiff_t{max_fields}) {
    return too_many_fields();
  }
  Form form;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    const auto equals = std::min(pair.find('='), pair.size());
    form.add(decode_urlencoded(pair.substr(0, equals)),
             decode_urlencoded(pair.substr(std::min(equals + 1, pair.size()))));
  }
  return form;
}

Result<Form> parse_multipart(std::string_view body, std::string_view boundary) {
  if (!is_boundary(boundary)) {
    return malformed("Invalid boundary in multipart: " +
                     (boundary.empty() ? "None" : to_utf8(std::string(boundary))));
  }
  Form form;
  if (body.empty()) return form;
  const std::string mark = "\r\n--" + std::string(boundary);
  auto delimiter = find_delimiter(body, mark, 0);
  if (delimiter.at == std::string_view::npos) return malformed("No boundary in the body");
  for (std::size_t parts = 0; !delimiter.last; ++parts) {
    if (parts == max_fields) return too_many_fields();
    // An empty line behind the delimiter ends the part's header before it began.
    const std::size_t begin = delimiter.after;
    const auto head = body.substr(begin - 2, max_part_header + 6);
    const auto head_end = head.find("\r\n\r\n");
    if (head_end == std::string_view::npos) {
      return malformed("A part without the end of its header, or with too much of it");
    }
    const std::size_t content = begin - 2 + head_end + 4;
    // The delimiter behind an empty content shares the CRLF of the header's last line.
    delimiter = find_delimiter(body, mark, content - 2);
    if (delimiter.at == std::string_view::npos) return malformed("No closing boundary");
    const auto part =
        read_part_head(head_end > 0 ? head.substr(2, head_end - 2) : std::string_view{});
    if (!part.has_name || part.is_file) continue;
    const std::size_t size = delimiter.at > content ? delimiter.at - content : 0;
    form.add(part.name, to_utf8(std::string(body.substr(content, size))));
  }
  return form;
}

MediaType parse_media_type(std::string_view content_type) {
  const auto end = std::min(content_type.find(';'), content_type.size());
  MediaType out;
  out.type = trim_blanks(content_type.substr(0, end));
  std::transform(out.type.begin(), out.type.end(), out.type.begin(), to_lower);
  content_type.remove_prefix(end);
  std::string name;
  std::string value;
  while (next_parameter(content_type, name, value)) {
    if (name == "boundary") out.boundary = value;
  }
  return out;
}

}  // namespace easyjwt::http
