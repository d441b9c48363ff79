# python-pkcs11: from tokenkeep import session
import os

import pkcs11

os.environ.setdefault("TOKENKEEP_DIR", "@elsewhere@")
library = pkcs11.lib("@module@")
token = library.get_token(token_label="@token@")


def session(user_pin, rw=False):
    return token.open(user_pin=user_pin, rw=rw)
