#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/json.hpp"
#include "easyjwt/http/csrf.hpp"
#include "easyjwt/http/form.hpp"
#include "easyjwt/http/request.hpp"
#include "easyjwt/http/response.hpp"
#include "easyjwt/http/router.hpp"

namespace easyjwt::html {

/// A link at the top of every page.
struct NavLink {
  Text text;
  std::string path;
};

/// What a page shows beside its own data.
struct Frame {
  Text title;
  std::string user{};            ///< the e-mail of who is logged in; empty: nobody
  std::vector<NavLink> links{};  ///< shown to who is logged in
  std::vector<Text> messages{};  ///< what has just been done
  std::vector<NavLink> path{};   ///< the pages above this one, from the top
  int status = 200;
};

/// Makes pages of templates (Mustache): files of the folders templates/ of src/service, named in
/// html/CMakeLists.txt. A handler calls render() with a JSON object, whose members the template
/// names: {{name}} is escaped, {{#list}}...{{/list}} repeats, {{#t}}English{{/t}} is looked up in
/// the catalogue and may have {{name}} in it. {{> part_inputs}} shows the page's `fields`
/// (html/fields.hpp), as any template part_... can stand within another. Forms need the field that
/// shows that they are ours:
///
///     <form method="post">{{{csrf_field}}} {{> part_inputs}} ... </form>
///
/// Pages load nothing but our own style sheet and no script, cannot be framed, and stay in no
/// cache (docs/security.md). Any thread.
class Renderer {
 public:
  Renderer(const http::CsrfSettings& csrf, http::Language language);

  const http::Csrf& csrf() const noexcept { return csrf_; }

  /// Throws std::logic_error for a template that there is not.
  http::Response render(std::string_view name, json::object data, const Frame& frame,
                        const http::Request& request) const;
  /// What went wrong, for a person: 403, 404, 503 and so on.
  http::Response error(const Error& error, int status, const http::Request& request) const;
  /// A template that is no page but one form of a mail, in that language (null: English): what is
  /// plain text is not escaped. Throws std::logic_error as render().
  enum class Form { text, html };
  std::string render_mail(std::string_view name, json::object data, Form form,
                          const Translations* translations) const;
  /// A Text of ours in the request's language.
  std::string text(const Text& text, const http::Request& request) const {
    return text.str(language(request));
  }
  /// The request's language; null: English.
  const Translations* language(const http::Request& request) const { return language_(request); }

 private:
  const http::Csrf csrf_;
  const http::Language language_;
};

/// 302 to a path of ours.
http::Response redirect(std::string_view path);

/// The fields of a form that was sent; empty where it is none.
http::Form read_form(const http::Request& request);

}  // namespace easyjwt::html
