"""What people type about themselves. The rules live in the models and services; these only ask."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import password_validators_help_text_html

from shopsmart.accounts.countries import COUNTRIES
from shopsmart.accounts.models import (
    DISPLAY_NAME_MAX_LENGTH,
    USERNAME_MAX_LENGTH,
    Address,
    User,
)

# How long a token may last: the choice, what it is called, and when it ends, if ever.
TOKEN_AGES: dict[str, tuple[str, timedelta | None]] = {
    "30": ("30 days", timedelta(days=30)),
    "90": ("90 days", timedelta(days=90)),
    "365": ("a year", timedelta(days=365)),
    "ever": ("as long as I let it", None),
}


class LoginForm(AuthenticationForm):
    """Django's login form, saying that an e-mail address will do."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "That name and password do not go together. Mind capital letters.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = "User name or e-mail address"
        # An address is longer than the name the model allows.
        self.fields["username"].max_length = 254
        self.fields["username"].widget.attrs["maxlength"] = 254


class RegistrationForm(forms.Form):
    username = forms.CharField(
        label="User name",
        max_length=USERNAME_MAX_LENGTH,
        help_text="Letters, digits and . + - _",
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none"}),
    )
    email = forms.EmailField(
        label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    display_name = forms.CharField(
        label="Name shown beside your reviews",
        max_length=DISPLAY_NAME_MAX_LENGTH,
        required=False,
        help_text="Your user name, if you leave this empty.",
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    password_again = forms.CharField(
        label="Password again",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = password_validators_help_text_html()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        password = cleaned.get("password")
        if password and cleaned.get("password_again") not in (None, password):
            self.add_error("password_again", "The two passwords are not the same.")
        return cleaned


class ProfileForm(forms.ModelForm):
    class Meta:
        model = User
        fields = ("display_name", "email")
        labels = {"display_name": "Name shown beside your reviews", "email": "E-mail address"}
        help_texts = {"display_name": ""}
        widgets = {
            "display_name": forms.TextInput(attrs={"autocomplete": "nickname"}),
            "email": forms.EmailInput(attrs={"autocomplete": "email"}),
        }


class AvatarForm(forms.Form):
    # FileField, not ImageField: render_avatar opens the picture once and says what is wrong.
    picture = forms.FileField(
        label="New picture",
        help_text="JPEG, PNG or WebP, at most 5 MB. It is cut square.",
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )


class AddressForm(forms.ModelForm):
    """Where a parcel goes."""

    class Meta:
        model = Address
        fields = ("name", "line1", "line2", "postcode", "city", "country")
        labels = {"name": "Full name", "line1": "Street and number", "line2": "Floor, company, c/o"}
        help_texts = {"name": ""}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name"}),
            "line1": forms.TextInput(attrs={"autocomplete": "address-line1"}),
            "line2": forms.TextInput(attrs={"autocomplete": "address-line2"}),
            "postcode": forms.TextInput(attrs={"autocomplete": "postal-code"}),
            "city": forms.TextInput(attrs={"autocomplete": "address-level2"}),
            "country": forms.Select(
                choices=[("", "Choose a country"), *COUNTRIES.items()],
                attrs={"autocomplete": "country"},
            ),
        }


class TokenForm(forms.Form):
    """What a token is for, and how long it lasts."""

    name = forms.CharField(
        label="What is it for?",
        max_length=60,
        help_text="So that you know it later, as in “stock script”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    lasts = forms.TypedChoiceField(
        label="It works for",
        initial="90",
        coerce={value: age for value, (_, age) in TOKEN_AGES.items()}.__getitem__,
        choices=[(value, label) for value, (label, _) in TOKEN_AGES.items()],
    )
