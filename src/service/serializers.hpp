#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "easyjwt/service/settings.hpp"
#include "easyjwt/user/serializer.hpp"

namespace easyjwt {

/// A program's own, by the names that USER_MODEL_SERIALIZER knows them by.
using Serializers = std::map<std::string, SerializerFactory, std::less<>>;

/// The one that USER_MODEL_SERIALIZER names or declares; null: TokenUserSerializer, which needs
/// none. Throws SettingsError: a name that nobody has registered.
std::unique_ptr<UserSerializer> make_serializer(const ServiceSettings& settings,
                                                const Serializers& registered);

/// The same at work on the service's database. Throws SettingsError, as BoundSerializer::bind.
Result<std::unique_ptr<const BoundSerializer>> bind_serializer(const ServiceSettings& settings,
                                                               const Serializers& registered,
                                                               db::Database& database);

}  // namespace easyjwt
