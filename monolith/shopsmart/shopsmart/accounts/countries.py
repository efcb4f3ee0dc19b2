"""Where the shop sends parcels: ISO 3166-1 codes, and names as they are printed on a label."""

from django.core.exceptions import ValidationError

COUNTRIES: dict[str, str] = {
    "AT": "Austria",
    "BE": "Belgium",
    "BG": "Bulgaria",
    "HR": "Croatia",
    "CY": "Cyprus",
    "CZ": "Czechia",
    "DK": "Denmark",
    "EE": "Estonia",
    "FI": "Finland",
    "FR": "France",
    "DE": "Germany",
    "GR": "Greece",
    "HU": "Hungary",
    "IE": "Ireland",
    "IT": "Italy",
    "LV": "Latvia",
    "LT": "Lithuania",
    "LU": "Luxembourg",
    "MT": "Malta",
    "NL": "Netherlands",
    "NO": "Norway",
    "PL": "Poland",
    "PT": "Portugal",
    "RO": "Romania",
    "SK": "Slovakia",
    "SI": "Slovenia",
    "ES": "Spain",
    "SE": "Sweden",
    "CH": "Switzerland",
    "GB": "United Kingdom",
}


def check_country(code: str) -> None:
    """Refuse what is no code of a country the shop sends to."""
    if code not in COUNTRIES:
        raise ValidationError(
            f"The shop does not send to {code!r}. Use the two letters of a country it sends to, as in DE."
        )


def country_name(code: str) -> str:
    """The country's name; the code itself for one the shop no longer sends to."""
    return COUNTRIES.get(code, code)
