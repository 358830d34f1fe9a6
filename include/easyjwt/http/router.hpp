#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "easyjwt/core/error.hpp"
#include "easyjwt/core/log.hpp"
#include "easyjwt/core/translations.hpp"
#include "easyjwt/http/cors.hpp"
#include "easyjwt/http/request.hpp"
#include "easyjwt/http/response.hpp"

namespace easyjwt::http {

/// Where a handler runs again after it answered Errc::would_wait on its connection's thread.
enum class Lane {
  storage,
  commit,  ///< where commits are shared: for what takes microseconds but for its one write
  hashing,
  remote,
  feed  ///< where requests wait for something to happen: many threads that do nothing
};

class Deferred;
using Reply = std::variant<Response, Error, std::unique_ptr<Deferred>>;

/// A request of which a handler of Lane::commit has done all that comes before its write, on its
/// connection's thread, instead of answering Errc::would_wait: only the write is done where many
/// share a commit and wait for each other. For handlers that sign tokens; ADR 39.
class Deferred {
 public:
  virtual ~Deferred() = default;

  /// In the lane, where it may wait if may_wait() says so. Called again where all that it wrote had
  /// to be undone.
  void run() noexcept;
  /// Once what run() wrote is durable, or if it did not write: the answer. Errc::would_wait, on its
  /// connection's thread: the handler runs once more, where it may wait. Throws what run() could
  /// not.
  Reply reply();

 private:
  virtual void write() = 0;
  virtual Reply answer() = 0;

  std::exception_ptr fault_;
};

using Handler = std::function<Reply(const Request&)>;
/// Judges who is asking. Errors are replied.
using Guard = std::function<Result<void>(const Request&)>;

/// The language of who is answered; null: English. What it points at outlives the router.
using Language = std::function<const Translations*(const Request&)>;

/// An Error as a page for people; nullopt: JSON, for programs.
using ErrorPage = std::function<std::optional<Response>(const Request&, const Error&, int status)>;

/// One path with all its methods.
struct View {
  std::string path;  ///< "/auth/users/{id}/": {...} stands for one segment that is not empty
  std::string name;  ///< for OPTIONS: "Token Verify"
  std::string description;
  Lane lane = Lane::storage;
  std::string challenge;  ///< WWW-Authenticate of a 401; empty: a 401 goes out as 403 (REST
                          ///< framework, where the first authentication class has no challenge)
  bool any_host = false;  ///< answers whatever the Host (/healthz and /readyz)
  /// Asked before a method that has no handler is a 405 (REST framework authenticates first: a
  /// stranger's PUT is a 401 where a user's is a 405). Handlers judge their callers themselves,
  /// once.
  Guard refusal_guard;
  std::vector<std::pair<Method, Handler>> handlers;  ///< a GET serves HEAD too
};

/// Finds the view of a request and turns what it replies into a Response. This is the one place
/// where an Error becomes wire form, and where an exception becomes a 500.
///
/// - 400 for a Host that ALLOWED_HOSTS does not have
/// - 404 {"detail": "Not found."}
/// - 301 for a GET or HEAD without the closing slash, where there is a view with it; other methods
///   are served as if they had it
/// - OPTIONS: 200 with {"name", "description", "renders", "parses"}
/// - 405 with {"detail": "Method \"PUT\" not allowed."}
/// - Allow on every answer of a view; WWW-Authenticate on 401; Retry-After where the Error says
class Router {
 public:
  /// `allowed_hosts`: Django's ALLOWED_HOSTS: "*", "name", ".domain" (it and all beneath it).
  Router(std::vector<std::string> allowed_hosts, Log log);
  ~Router();

  /// Not thread-safe; before the server starts.
  void add(View view);
  /// From then on preflights are answered in the place of views, and every answer of dispatch()
  /// tells which origins may read it. Not thread-safe; before the server starts.
  void use(Cors cors);
  /// From then on asked about every Error. Not thread-safe; before the server starts.
  void use(ErrorPage page);
  /// From then on the texts of Errors are in that language, and an answer that is not in English
  /// says in which. Not thread-safe; before the server starts.
  void use(Language language);

  /// What came of a request: a response, or (`waits`) that it must go to that view's lane: what is
  /// `deferred` to be run there and then finished, the request else to be dispatched again.
  struct Outcome {
    Response response;
    const View* waits = nullptr;
    std::unique_ptr<Deferred> deferred;
  };

  /// Any thread. Never throws. `request.params` is written.
  Outcome dispatch(Request& request) const noexcept;
  /// Of a request that dispatch() deferred and that has run.
  Outcome finish(Deferred& deferred, const View& view, const Request& request) const noexcept;

  /// The answer to a request that `error` befell outside its view: its lane takes no more, say. In
  /// English.
  Response error_response(const View& view, const Error& error) const;
  /// The Response of an Error that no view answers for. In English.
  static Response error_response(const Error& error);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace easyjwt::http
