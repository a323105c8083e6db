from .convert import convert as convert
