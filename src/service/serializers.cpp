#include "service/serializers.hpp"

#include <utility>

#include "easyjwt/core/settings_error.hpp"

namespace easyjwt {
namespace {
constexpr const char* standard = "TokenUserSerializer";
}

std::unique_ptr<UserSerializer> make_serializer(const ServiceSettings& settings,
                                                const Serializers& registered) {
  if (settings.declared_serializer) return make_declared_serializer(*settings.declared_serializer);
  const auto& name = settings.user_model_serializer;
  if (const auto found = registered.find(name); found != registered.end()) return found->second();
  if (name == standard) return nullptr;
  std::string names = std::string("\"") + standard + '"';
  for (const auto& [other, factory] : registered) names += ", \"" + other + '"';
  throw SettingsError("EASY_JWT.USER_MODEL_SERIALIZER",
                      (registered.empty() ? "must be " : "must be one of ") + names +
                          ", or a table (docs/extra_data.md)");
}

Result<std::unique_ptr<const BoundSerializer>> bind_serializer(const ServiceSettings& settings,
                                                               const Serializers& registered,
                                                               db::Database& database) {
  auto serializer = make_serializer(settings, registered);
  if (!serializer) return nullptr;
  return BoundSerializer::bind(std::move(serializer), database,
                               settings.kind == ServiceKind::client ? RelatedTables::Use::writing
                                                                    : RelatedTables::Use::reading);
}

}  // namespace easyjwt
