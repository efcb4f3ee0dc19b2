"""The settings of ShopSmart, the plants, and the switch before everything else."""

from shopsmart import settings as shop

globals().update({name: value for name, value in vars(shop).items() if name.isupper()})

INSTALLED_APPS = [*shop.INSTALLED_APPS, "planted.site.apps.PlantedConfig"]
MIDDLEWARE = ["planted.site.switch.SwitchMiddleware", *shop.MIDDLEWARE]
