#include "service/catalogue/catalogue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "easyjwt/core/settings_error.hpp"
#include "service/catalogue/accept_language.hpp"

namespace easyjwt {
namespace {

constexpr std::array<std::string_view, 4> languages{"en", "de", "es", "fr"};

std::string_view chosen(std::string_view accept_language) {
  const auto place = choose_language(accept_language, languages);
  return place ? languages[*place] : "";
}

TEST(AcceptLanguage, IsReadByWeight) {
  struct Row {
    std::string_view sent, language;
  };
  for (const auto& [sent, language] : {
           Row{"de", "de"},
           Row{"DE", "de"},
           Row{"de-AT", "de"},
           Row{"de-Latn-AT-1996", "de"},
           Row{"de,en", "de"},
           Row{"en,de", "en"},
           Row{"de;q=0.7,en", "en"},
           Row{"en;q=0.7, fr;q=0.8", "fr"},
           Row{"en;q=0.123,fr;q=0.124", "fr"},
           Row{"it, nl;q=0.9, es;q=0.1", "es"},
           Row{"es ; q=0.5 ,\tfr ; Q=0.6", "fr"},
           Row{",, ,fr,", "fr"},
           Row{"de;q=1.000, fr", "de"},
           // not this one
           Row{"de;q=0", ""},
           Row{"de;q=0.000, fr;q=0.001", "fr"},
           // none of them
           Row{"", ""},
           Row{"it", ""},
           Row{"den", ""},
           Row{"d", ""},
           Row{"*", ""},
           Row{"*, de;q=0.9", ""},
           Row{"de, *;q=0.5", "de"},
           Row{"de;q=0.5, *;q=0.4, fr;q=0.6", "fr"},
           // what is malformed is passed over
           Row{"de;q=2,fr;q=0.1", "fr"},
           Row{"de;q=1.001,fr;q=0.1", "fr"},
           Row{"de;q=0.1234,fr;q=0.1", "fr"},
           Row{"de;q=-1,fr;q=0.1", "fr"},
           Row{"de;q=,fr;q=0.1", "fr"},
           Row{"de;q,fr;q=0.1", "fr"},
           Row{"de;,fr;q=0.1", "fr"},
           Row{"de;q=1e,fr;q=0.1", "fr"},
           Row{"de;q=.5,fr;q=0.1", "fr"},
           Row{"de;q=0.5;q=0.6,fr;q=0.1", "fr"},
           Row{"de;level=1,fr;q=0.1", "fr"},
           Row{"de_AT,fr;q=0.1", "fr"},
           Row{"-de", ""},
           Row{";q=1", ""},
       }) {
    EXPECT_EQ(chosen(sent), language) << sent;
  }
}

TEST(AcceptLanguage, TakesLongOnes) {
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "it;q=0.5,";
  EXPECT_EQ(chosen(many + "fr;q=0.1"), "fr");
  EXPECT_EQ(chosen(std::string(1'000'000, ';')), "");
  EXPECT_EQ(chosen("de-" + std::string(1'000'000, '-')), "de");
}

class CatalogueTest : public testing::Test {
 protected:
  std::string_view language(std::optional<std::string_view> accept_language) const {
    const Catalogue catalogue(settings_);
    http::Request request;
    const std::array<http::Header, 1> headers{{{"accept-language", accept_language.value_or("")}}};
    if (accept_language) request.headers = headers;
    const auto* translations = catalogue.choose(request);
    return translations != nullptr ? translations->language : "en";
  }

  ServiceSettings settings_;
};

TEST_F(CatalogueTest, GoesByTheRequest) {
  EXPECT_EQ(language(std::nullopt), "en");
  EXPECT_EQ(language(""), "en");
  EXPECT_EQ(language("fr-CA,en;q=0.5"), "fr");
  EXPECT_EQ(language("en-US,de"), "en");
  EXPECT_EQ(language("it"), "en");
  EXPECT_EQ(language(std::string(490, ',') + "de"), "de");
  EXPECT_EQ(language(std::string(500, ',') + "de"), "en");
}

TEST_F(CatalogueTest, HasALanguageForThoseWhoAskForNone) {
  settings_.language_code = "de-at";
  EXPECT_EQ(language(std::nullopt), "de");
  EXPECT_EQ(language("it"), "de");
  EXPECT_EQ(language("*"), "de");
  EXPECT_EQ(language("fr"), "fr");
  EXPECT_EQ(language("en-GB"), "en");
}

TEST_F(CatalogueTest, CanBeOfOneLanguage) {
  settings_.use_i18n = false;
  EXPECT_EQ(language("fr"), "en");
  settings_.language_code = "es";
  EXPECT_EQ(language("fr"), "es");
  EXPECT_EQ(language(std::nullopt), "es");
}

TEST_F(CatalogueTest, RefusesALanguageThatIsNone) {
  for (const auto* code : {"it", "", "*", "de;q=0", "german"}) {
    settings_.language_code = code;
    try {
      const Catalogue catalogue(settings_);
      ADD_FAILURE() << code;
    } catch (const SettingsError& error) {
      EXPECT_EQ(error.key, "LANGUAGE_CODE");
      EXPECT_NE(std::string(error.what()).find("en, de, es, fr"), std::string::npos)
          << error.what();
    }
  }
}

TEST(Languages, AreSearchedInOrder) {
  ASSERT_EQ(translated_languages.size(), 3U);
  for (const auto& [language, texts] : translated_languages) {
    EXPECT_TRUE(std::is_sorted(texts.begin(), texts.end(), [](const auto& a, const auto& b) {
      return a.english < b.english;
    })) << language;
    for (const auto& [english, text] : texts) {
      EXPECT_EQ(Translations({language, texts}).find(english), text);
    }
  }
}

}  // namespace
}  // namespace easyjwt
