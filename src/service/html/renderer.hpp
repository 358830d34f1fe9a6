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

namespace easyjwt::html {

/// A text for people in the language of whoever reads the page; the English one is its id.
using Translate = std::function<std::string(std::string_view english)>;

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
/// the catalogue. {{> part_inputs}} shows the page's `fields` (html/fields.hpp), as any template
/// part_... can stand within another. Forms need the field that shows that they are ours:
///
///     <form method="post">{{{csrf_field}}} {{> part_inputs}} ... </form>
///
/// Pages load nothing but our own style sheet and no script, cannot be framed, and stay in no
/// cache (docs/security.md). Any thread.
class Renderer {
 public:
  /// `translate` says in which language a request is answered; empty: English.
  Renderer(const http::CsrfSettings& csrf,
           std::function<Translate(const http::Request&)> translate);
  ~Renderer();

  const http::Csrf& csrf() const noexcept { return csrf_; }

  /// Throws std::logic_error for a template that there is not.
  http::Response render(std::string_view name, json::object data, const Frame& frame,
                        const http::Request& request) const;
  /// What went wrong, for a person: 403, 404, 503 and so on.
  http::Response error(const Error& error, int status, const http::Request& request) const;
  /// A template that is no page but one form of a mail, in English: what is plain text is not
  /// escaped. Throws std::logic_error as render().
  enum class Form { text, html };
  std::string render_mail(std::string_view name, json::object data, Form form) const;
  /// A Text of ours in the request's language.
  std::string text(const Text& text, const http::Request& request) const;

 private:
  struct Impl;
  const http::Csrf csrf_;
  std::unique_ptr<const Impl> impl_;
};

/// 302 to a path of ours.
http::Response redirect(std::string_view path);

/// The fields of a form that was sent; empty where it is none.
http::Form read_form(const http::Request& request);

}  // namespace easyjwt::html
