#include "easyjwt/service/program.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "service/commands/commands.hpp"
#include "service/own_views.hpp"
#include "service/project.hpp"

namespace easyjwt {
namespace {

/// One line, whatever went into it.
void print_error(std::string text) {
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  std::fprintf(stderr, "Error: %s\n", text.c_str());
}

/// The commands with their arguments: what `--help` shows.
class CommandLine {
 public:
  explicit CommandLine(const Own& own)
      : own_(own), app_("The central authentication service of a fleet", "easyjwt") {
    app_.set_version_flag("--version", "easyjwt " EASYJWT_VERSION);
    app_.add_option("--config", config_, "The settings file")
        ->envname("EASYJWT_CONFIG")
        ->type_name("FILE")
        ->capture_default_str();
    app_.require_subcommand(1);
    add_project_commands();
    add_user_commands();
    add_data_commands();
    add_key_commands();
    add_token_commands();
    add_client_commands();
  }

  Result<int> run(int argc, const char* const* argv) {
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      if (error.get_exit_code() == 0) return app_.exit(error);  // --help, --version
      return fail(Errc::usage, {}, std::string(error.what()) + " (see easyjwt --help)");
    }
    return action_();
  }

 private:
  CLI::App& add(const char* name, const char* text, std::function<Result<int>()> action) {
    return add(app_, name, text, std::move(action));
  }
  CLI::App& add(CLI::App& to, const char* name, const char* text,
                std::function<Result<int>()> action) {
    auto& command = *to.add_subcommand(name, text);
    command.fallthrough();  // --config after the command, too
    command.callback([this, action = std::move(action)] { action_ = action; });
    return command;
  }

  void add_project_commands() {
    auto& start = add("startproject", "Make a project: a folder with an easyjwt.toml",
                      [this] { return commands::startproject(kind_, folder_); });
    start.add_option("KIND", kind_, "auth or client")->required();
    start.add_option("DIR", folder_, "The folder")->required();

    auto& serve = add("runserver", "Serve until SIGTERM or SIGINT",
                      [this] { return commands::runserver(config_, listen_, own_); });
    serve.add_option("ADDR:PORT", listen_, "Where to listen; port 0: any free one");

    auto& migrate = add("migrate", "Make the database or bring it up to date",
                        [this] { return commands::migrate(config_, plan_); });
    migrate.add_flag("--plan", plan_, "Only print what would be done");

    auto& check = add("check", "Judge the settings",
                      [this] { return commands::check(config_, deploy_, own_.serializers); });
    check.add_flag("--deploy", deploy_, "Also what is fine on one's own machine only");
  }

  void add_user_commands() {
    auto& create = add("createsuperuser", "Make a user who may do everything",
                       [this] { return commands::createsuperuser(config_, email_, no_input_); });
    create.add_option("--email", email_, "The e-mail address")->type_name("EMAIL");
    create.add_flag("--noinput,--no-input", no_input_,
                    "Ask nothing: take EASYJWT_SUPERUSER_EMAIL and EASYJWT_SUPERUSER_PASSWORD");

    auto& change = add("changepassword", "Set a user's password",
                       [this] { return commands::changepassword(config_, email_); });
    change.add_option("EMAIL", email_, "Whose")->required();
  }

  void add_data_commands() {
    add("flushexpiredtokens", "Delete the tokens that have expired",
        [this] { return commands::flushexpiredtokens(config_); });
    add("clearsessions", "Delete the sessions that have expired",
        [this] { return commands::clearsessions(config_); });

    auto& move = add("migrate-to", "Copy the SQLite database into a PostgreSQL database",
                     [this] { return commands::migrate_to(config_, target_); });
    move.add_option("URL", target_, "Like postgresql://user@host/name; passwords: ~/.pgpass")
        ->required();

    auto& load = add("loaddata", "Read Django's JSON fixtures into the database, all or nothing",
                     [this] { return commands::loaddata(config_, names_); });
    load.add_option("FILE", names_, "Fixtures")->required();

    auto& dump = add("dumpdata", "Write the database as a Django JSON fixture",
                     [this] { return commands::dumpdata(config_, names_); });
    dump.add_option("MODEL", names_, "Like easyjwt_user.user; none: groups, users and tokens");
  }

  CLI::App& add_group(const char* name, const char* text) {
    auto& group = *app_.add_subcommand(name, text);
    group.fallthrough();
    group.require_subcommand(1);
    return group;
  }

  void add_key_commands() {
    auto& keys = add_group("keys", "Make keys, or look at those there are");
    auto& generate = add(keys, "generate", "Write a fresh key into a file (mode 0600)",
                         [this] { return commands::keys_generate(algorithm_, file_, bits_); });
    generate.add_option("ALGORITHM", algorithm_, "HS, RS, ES or PS 256, 384 or 512, or EdDSA")
        ->required();
    generate
        .add_option("FILE", file_,
                    "PEM for EASY_JWT.SIGNING_KEY to name; of HS* the text that it is")
        ->required();
    generate.add_option("--bits", bits_, "Of an RSA key")->capture_default_str();
    add(keys, "list", "Show the keys that sign and verify",
        [this] { return commands::keys_list(config_); });
    auto& rotate = add(keys, "rotate", "Make the next key, in the database", [this] {
      return commands::keys_rotate(config_, {algorithm_, in_, bits_});
    });
    rotate.add_option("--algorithm", algorithm_, "Another than the last key's");
    rotate.add_option(
        "--in", in_,
        "When it signs, so that everybody knows it by then (10s to 30d; default: 10m)");
    rotate.add_option("--bits", bits_, "Of an RSA key")->capture_default_str();
    auto& retire = add(keys, "retire", "End a key at once: its tokens are refused",
                       [this] { return commands::keys_retire(config_, kid_); });
    retire.add_option("KEY", kid_, "As `list` names it")->required();
    add(keys, "export", "Print the public halves as a JWK Set",
        [this] { return commands::keys_export(config_); });
  }

  void add_token_commands() {
    auto& token = add_group("token", "Make a token, or look at one");
    // Everybody on the machine can see the arguments of a program.
    constexpr auto* text = "The token; -: it is read from stdin, which nobody else sees";
    auto& decode = add(token, "decode", "Say what a token holds, and why it would be refused",
                       [this] { return commands::token_decode(config_, token_); });
    decode.add_option("TOKEN", token_, text)->required();
    auto& verify = add(token, "verify", "Judge a token: exit 1 where it is refused",
                       [this] { return commands::token_verify(config_, token_); });
    verify.add_option("TOKEN", token_, text)->required();
    auto& issue = add(token, "issue", "Print a new token of a user",
                      [this] { return commands::token_issue(config_, new_token_); });
    issue.add_option("USER", new_token_.user, "An e-mail address or an id")->required();
    issue.add_option("--type", new_token_.type, "access, refresh or sliding")
        ->capture_default_str();
    issue.add_option("--lifetime", new_token_.lifetime,
                     "Like 90s, 5m, 12h, 1d; else the settings'");
  }

  void add_client_commands() {
    auto& clients = add_group("clients", "OAuth clients: gateways and services that ask us");
    auto& create = add(clients, "add", "Make a client, and show its secret this once",
                       [this] { return commands::clients_add(config_, name_, names_); });
    create.add_option("NAME", name_, "What it is called")->required();
    create
        .add_option("--scope", names_, "What it may do: introspect, revoke or feed; one or several")
        ->required()
        ->delimiter(',')
        ->allow_extra_args(false);
    add(clients, "list", "Show all of them", [this] { return commands::clients_list(config_); });
    auto& remove = add(clients, "remove", "Refuse a client from now on",
                       [this] { return commands::clients_remove(config_, name_); });
    remove.add_option("CLIENT", name_, "Its id or its name")->required();
  }

  const Own& own_;
  CLI::App app_;
  std::function<Result<int>()> action_;
  std::string config_ = "easyjwt.toml";
  std::string kind_, folder_, listen_, email_, target_, token_, algorithm_, file_, in_, kid_, name_;
  unsigned bits_ = 3072;  // NIST SP 800-57: 128 bits of security
  commands::NewToken new_token_;
  std::vector<std::string> names_;
  bool plan_ = false, deploy_ = false, no_input_ = false;
};

}  // namespace

struct Program::Impl {
  Own own;
};

Program::Program() : impl_(std::make_unique<Impl>()) {}
Program::~Program() = default;

Program& Program::add(http::Method method, std::string path, Permission permission,
                      ViewHandler handler) {
  impl_->own.views.push_back({method, std::move(path), std::move(permission), std::move(handler)});
  return *this;
}

Program& Program::add(http::Method method, std::string path, ViewHandler handler) {
  impl_->own.views.push_back({method, std::move(path), std::nullopt, std::move(handler)});
  return *this;
}

Program& Program::serializer(std::string name, SerializerFactory factory) {
  impl_->own.serializers.insert_or_assign(std::move(name), std::move(factory));
  return *this;
}

int Program::run(int argc, const char* const* argv) noexcept {
  try {
    const auto code = CommandLine(impl_->own).run(argc, argv);
    if (code) return *code;
    print_error(explain(code.error()));
    return code.error().code == Errc::usage ? 2 : 1;
  } catch (const std::exception& error) {
    print_error(error.what());
  } catch (...) {
    print_error("unknown failure");
  }
  return 1;
}

}  // namespace easyjwt
