"""How accounts look from outside. Output only names what it shows; input only asks, services check."""

from rest_framework import serializers

from shopsmart.accounts.countries import COUNTRIES
from shopsmart.accounts.models import DISPLAY_NAME_MAX_LENGTH, Address, ApiToken


class ProfileSerializer(serializers.Serializer):
    username = serializers.CharField()
    email = serializers.EmailField()
    display_name = serializers.CharField(help_text="Shown beside reviews.")
    date_joined = serializers.DateTimeField()


class ProfileInput(serializers.Serializer):
    email = serializers.EmailField(max_length=254, required=False)
    display_name = serializers.CharField(max_length=DISPLAY_NAME_MAX_LENGTH, required=False)


class AddressSerializer(serializers.ModelSerializer):
    country_name = serializers.CharField(read_only=True)

    class Meta:
        model = Address
        fields = (
            "id",
            "name",
            "line1",
            "line2",
            "postcode",
            "city",
            "country",
            "country_name",
            "is_default",
        )


class AddressInput(serializers.Serializer):
    name = serializers.CharField(max_length=80, help_text="Who takes the parcel.")
    line1 = serializers.CharField(max_length=120, help_text="Street and number.")
    line2 = serializers.CharField(
        max_length=120, required=False, allow_blank=True, help_text="Floor, company, care of."
    )
    postcode = serializers.CharField(max_length=16)
    city = serializers.CharField(max_length=80)
    country = serializers.CharField(
        max_length=2, help_text=f"Where the shop sends to: {', '.join(COUNTRIES)}."
    )
    is_default = serializers.BooleanField(
        required=False, help_text="True makes it the default; the default can't be unset."
    )

    def validate_is_default(self, value: bool) -> bool:
        if not value and self.instance is not None and self.instance.is_default:
            raise serializers.ValidationError("Make another address the default instead.")
        return value


class TokenSerializer(serializers.ModelSerializer):
    is_usable = serializers.BooleanField(read_only=True)

    class Meta:
        model = ApiToken
        fields = (
            "id",
            "name",
            "prefix",
            "created_at",
            "last_used_at",
            "expires_at",
            "revoked_at",
            "is_usable",
        )
        extra_kwargs = {
            "last_used_at": {"help_text": "To within five minutes."},
            "prefix": {"help_text": "How the token begins, after `shop_`."},
        }


class NewTokenSerializer(TokenSerializer):
    token = serializers.SerializerMethodField(
        help_text="What opens the API. Shown here and never again."
    )

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "token")

    def get_token(self, token: ApiToken) -> str:
        return str(self.context["token"])


class TokenInput(serializers.Serializer):
    name = serializers.CharField(max_length=60, help_text="What it is for.")
    expires_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="From then on it opens nothing; null: never."
    )
