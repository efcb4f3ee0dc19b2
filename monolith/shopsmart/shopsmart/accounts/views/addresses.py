"""The pages of a shopper's address book."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from shopsmart.accounts import selectors, services
from shopsmart.accounts.forms import AddressForm
from shopsmart.accounts.models import Address


@login_required
@never_cache
@require_safe
def addresses(request: HttpRequest) -> HttpResponse:
    """The whole book, the default first."""
    book = selectors.list_addresses(user=request.user)
    return render(request, "accounts/addresses.html", {"addresses": book})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new_address(request: HttpRequest) -> HttpResponse:
    """A form for another address; POST puts it into the book."""
    form = AddressForm(request.POST or None)
    if form.is_valid():
        try:
            services.add_address(user=request.user, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "The address is in your book.")
            return redirect("accounts:addresses")
    return render(request, "accounts/address.html", {"form": form})


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def address(request: HttpRequest, pk: int) -> HttpResponse:
    """A form that changes an address."""
    found = _own_address(request, pk)
    form = AddressForm(request.POST or None, instance=found)
    if form.is_valid():
        try:
            services.change_address(address=found, **form.cleaned_data)
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "The address is changed. Orders you placed keep the old one.")
            return redirect("accounts:addresses")
    return render(request, "accounts/address.html", {"form": form, "address": found})


@login_required
@require_POST
def default_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Send here unless told otherwise."""
    services.set_default_address(address=_own_address(request, pk))
    messages.success(request, "This is now the address we suggest first.")
    return redirect("accounts:addresses")


@login_required
@require_POST
def delete_address(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget an address; orders keep theirs."""
    services.delete_address(address=_own_address(request, pk))
    messages.info(request, "The address is deleted.")
    return redirect("accounts:addresses")


def _own_address(request: HttpRequest, pk: int) -> Address:
    try:
        return selectors.get_address(user=request.user, pk=pk)
    except Address.DoesNotExist as error:
        raise Http404("There is no such address.") from error
