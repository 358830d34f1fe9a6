#pragma once

#include <functional>
#include <memory>
#include <string>

#include "easyjwt/http/request.hpp"
#include "easyjwt/http/router.hpp"
#include "easyjwt/token/permission.hpp"
#include "easyjwt/user/serializer.hpp"

namespace easyjwt {

/// What a view of a service's own does with a request that its permission lets through. Whoever
/// asks is an Identity; one with id 0 is nobody. Called on several threads at a time; it may wait,
/// for a while.
using ViewHandler = std::function<http::Reply(const http::Request&, const Identity&)>;

/// The program with all its commands: main() of `easyjwt`, and of a service of one's own, which
/// adds its views and serializers and then has every command, too, as manage.py has.
///
///     easyjwt::Program program;
///     program.get("/api/test/", easyjwt::is_authenticated(), test_view);
///     return program.run(argc, argv);
class Program {
 public:
  Program();
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Adds a view: `path` like "/api/things/{id}/" ({...}: one segment; Request::params). Requests
  /// are authenticated as the settings say (DEFAULT_AUTHENTICATION_CLASSES); the permission then
  /// answers 401 or 403. Without one it is all of DEFAULT_PERMISSION_CLASSES.
  Program& add(http::Method method, std::string path, Permission permission, ViewHandler handler);
  Program& add(http::Method method, std::string path, ViewHandler handler);
  Program& get(std::string path, Permission permission, ViewHandler handler) {
    return add(http::Method::get, std::move(path), std::move(permission), std::move(handler));
  }
  Program& get(std::string path, ViewHandler handler) {
    return add(http::Method::get, std::move(path), std::move(handler));
  }
  Program& post(std::string path, Permission permission, ViewHandler handler) {
    return add(http::Method::post, std::move(path), std::move(permission), std::move(handler));
  }
  Program& post(std::string path, ViewHandler handler) {
    return add(http::Method::post, std::move(path), std::move(handler));
  }

  /// Registers a serializer class: the one that USER_MODEL_SERIALIZER names is made once, when the
  /// service starts.
  Program& serializer(std::string name, SerializerFactory factory);
  template <class Serializer>
  Program& serializer(std::string name) {
    return serializer(std::move(name), [] { return std::make_unique<Serializer>(); });
  }

  /// Runs the command that the arguments name. 0: done; 1: refused or failed, with a line on stderr
  /// that says what and where; 2: called wrongly. Never throws.
  int run(int argc, const char* const* argv) noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace easyjwt
