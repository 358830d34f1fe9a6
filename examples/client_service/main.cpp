// A service that keeps no passwords: what easyjwt has, and a view of its own. Like Django's
// manage.py it has every command: client_service startproject client DIR, migrate, runserver ...

#include <easyjwt/service/program.hpp>

using namespace easyjwt;

int main(int argc, char** argv) {
  Program program;
  program.get("/api/test/", is_authenticated(), [](const http::Request&, const Identity&) {
    return http::Response::json("\"success\"");
  });
  return program.run(argc, argv);
}
