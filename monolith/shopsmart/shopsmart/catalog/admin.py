"""The catalogue as staff see it. What has rules goes through `services`, here as everywhere."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html

from shopsmart.catalog.export import price_list_lines
from shopsmart.catalog.models import (
    Brand,
    Category,
    PriceChange,
    Product,
    ProductImage,
    Review,
    Variant,
)
from shopsmart.catalog.services import change_price, set_review_published
from shopsmart.catalog.text import fold


class FoldedSearch:
    """Searches as the shop does: whatever the case and accents of what staff type."""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return super().get_search_results(request, queryset, fold(search_term))


class VariantInline(admin.TabularInline):
    model = Variant
    extra = 0
    fields = (
        "sku",
        "name",
        "price_amount",
        "compare_at_amount",
        "currency",
        "weight_grams",
        "position",
    )


class ProductImageInline(admin.TabularInline):
    model = ProductImage
    extra = 0
    fields = ("preview", "image", "alt", "position")
    readonly_fields = ("preview",)

    @admin.display(description="")
    def preview(self, image: ProductImage) -> str:
        if not image.image:
            return ""
        return format_html('<img src="{}" alt="" height="60">', image.image.url)


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ("name", "parent", "position")
    list_filter = ("parent",)
    list_select_related = ("parent",)
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Brand)
class BrandAdmin(admin.ModelAdmin):
    list_display = ("name", "products")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Brand]:
        return super().get_queryset(request).annotate(Count("products"))

    @admin.display(ordering="products__count")
    def products(self, brand: Any) -> int:
        return int(brand.products__count)


@admin.register(Product)
class ProductAdmin(FoldedSearch, admin.ModelAdmin):
    change_list_template = "admin/catalog/product/change_list.html"
    list_display = ("name", "category", "brand", "is_active", "rating_average", "updated_at")
    list_filter = ("is_active", "category", "brand")
    list_select_related = ("category", "brand")
    search_fields = ("search_text", "variants__sku")
    search_help_text = "Words of the name or description, or an SKU."
    date_hierarchy = "created_at"
    list_per_page = 50
    prepopulated_fields = {"slug": ("name",)}
    autocomplete_fields = ("category", "brand")
    readonly_fields = ("rating_average", "rating_count", "created_at", "updated_at")
    inlines = (VariantInline, ProductImageInline)

    def save_formset(
        self,
        request: HttpRequest,
        form: ModelForm,
        formset: BaseInlineFormSet,
        change: bool,
    ) -> None:
        """Save the inlines; a price that was changed goes through `change_price`."""
        if formset.model is not Variant:
            super().save_formset(request, form, formset, change)
            return
        for row in formset.initial_forms:
            if "price_amount" in row.changed_data and row not in formset.deleted_forms:
                variant = row.instance
                change_price(
                    variant=Variant(pk=variant.pk),
                    amount=row.cleaned_data["price_amount"],
                    reason=f"Set by {request.user}",
                )
        # The rows hold the new prices too, and whatever else was typed; saving them adds the rest.
        super().save_formset(request, form, formset, change)

    def get_urls(self) -> list[URLPattern]:
        export = path(
            "export.csv",
            self.admin_site.admin_view(self.export),
            name="catalog_product_export",
        )
        return [export, *super().get_urls()]

    def export(self, request: HttpRequest) -> StreamingHttpResponse:
        """Stream the price list of the whole shop."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return StreamingHttpResponse(
            price_list_lines(),
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="shopsmart-prices.csv"'},
        )


@admin.register(PriceChange)
class PriceChangeAdmin(FoldedSearch, admin.ModelAdmin):
    """History is read here, and written by nobody but `change_price`."""

    list_display = ("changed_at", "variant", "old_amount", "new_amount", "currency", "reason")
    list_filter = ("reason",)
    list_select_related = ("variant__product",)
    search_fields = ("variant__sku", "variant__product__search_text")
    date_hierarchy = "changed_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Review)
class ReviewAdmin(admin.ModelAdmin):
    list_display = ("title", "rating", "product", "author", "created_at", "is_published")
    list_filter = ("is_published", "rating")
    list_select_related = ("product", "author")
    search_fields = ("title", "body", "product__name", "author__email")
    date_hierarchy = "created_at"
    raw_id_fields = ("product", "author")
    actions = ("publish", "hide")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """A review stays with its product: the one it left would keep its rating."""
        return ("product", "author") if obj else ()

    @admin.action(description="Show the selected reviews")
    def publish(self, request: HttpRequest, reviews: QuerySet[Review]) -> None:
        self._set_published(request, reviews, True)

    @admin.action(description="Hide the selected reviews")
    def hide(self, request: HttpRequest, reviews: QuerySet[Review]) -> None:
        self._set_published(request, reviews, False)

    def _set_published(
        self, request: HttpRequest, reviews: QuerySet[Review], is_published: bool
    ) -> None:
        # One by one, since `QuerySet.update()` sends no signal and the ratings would be left behind.
        for review in reviews:
            set_review_published(review=review, is_published=is_published)
        word = "shown" if is_published else "hidden"
        messages.success(request, f"{len(reviews)} reviews are {word} now.")
