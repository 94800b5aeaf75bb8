"""What `terraform apply`, `import` and `destroy` do with a resource, and what an acceptance test asserts of it."""

from provider import Refused


class Resource:
    """A kind of resource: the provider's calls for it, in their order. Attributes are named as in configurations."""

    # Attributes that the provider compares as sets.
    sets = ()
    # Attributes that exist in configurations only: no answer carries them.
    unread = ()

    def create(self, tf, config):
        """Makes it and returns its id."""
        raise NotImplementedError

    def read(self, tf, identity):
        """Its attributes as answers show them; raises a 404 when it is gone."""
        raise NotImplementedError

    def update(self, tf, identity, old, new):
        raise NotImplementedError

    def delete(self, tf, identity, state):
        raise NotImplementedError

    # Whether a DELETE of what is gone is 404: every resource asserts it by its own path.
    path = None


def drift(kind, config, state):
    """What `terraform plan` would show after an apply: attribute -> (configured, read)."""
    def comparable(name, value):
        return sorted(value, key=str) if name in kind.sets and isinstance(value, (list, tuple, set)) else value
    return {name: (wanted, state.get(name)) for name, wanted in config.items()
            if name not in kind.unread and comparable(name, wanted) != comparable(name, state.get(name))}


def create(tf, kind, **config):
    """Applies a new resource: id and state, without drift."""
    identity = kind.create(tf, config)
    state = kind.read(tf, identity)
    assert drift(kind, config, state) == {}, state
    # A second plan reads again, and has nothing to do either.
    assert drift(kind, config, kind.read(tf, identity)) == {}
    return identity, state


def change(tf, kind, identity, old, **new):
    """Applies a changed configuration: the new state, without drift."""
    kind.update(tf, identity, old, new)
    state = kind.read(tf, identity)
    assert drift(kind, new, state) == {}, state
    return state


def destroy(tf, kind, identity, state):
    """Destroys it; afterwards it can neither be read nor deleted: 404 for both."""
    kind.delete(tf, identity, state)
    assert missing(kind, tf, identity), "it can still be read"
    if kind.path:
        assert tf.status("DELETE", kind.path(tf, identity, state)) == 404


def missing(kind, tf, identity):
    try:
        kind.read(tf, identity)
    except Refused as refusal:
        return refusal.status == 404
    return False


def life(tf, kind, *steps, shared=None):
    """create, every change, import, destroy. `shared` is what all steps have in common. The last state is returned."""
    shared = shared or {}
    first, *later = [{**shared, **step} for step in steps]
    identity, state = create(tf, kind, **first)
    config = first
    for step in later:
        state = change(tf, kind, identity, config, **step)
        config = step
    # Import knows the id and nothing else; what it reads is the state.
    assert kind.read(tf, identity) == state
    destroy(tf, kind, identity, state)
    return state


# Tags of v2.0 (clients 3.6 to 3.8): one batch that deletes all old ones, one that makes all new ones.

def tag_list(tags, values=True):
    # The Go client leaves an empty value out.
    return [{"key": key, "value": value} if value and values else {"key": key} for key, value in sorted(tags.items())]


def read_tags(tf, kind, identity):
    """A failure is a warning for the provider; here it is told, so that the tests of tags see it."""
    answer = tf.request("GET", tf.v2_tags(f"{kind}/{identity}/tags"), ok=(200, 202),
                        headers={"Content-Type": "application/json", "X-Language": "en-us"})
    return {tag["key"]: tag["value"] for tag in answer.json["tags"]}


def try_tags(tf, kind, identity):
    """As the provider's reads do it: tags that cannot be read are none."""
    try:
        return read_tags(tf, kind, identity)
    except Refused:
        return {}


def set_tags(tf, kind, identity, old, new):
    for action, tags in (("delete", old), ("create", new)):
        if tags:
            tf.post(tf.v2_tags(f"{kind}/{identity}/tags/action"), {"action": action, "tags": tag_list(tags)},
                    ok=(200, 204))


# Tags of v3: 204 alone is a success.

def read_tags_v3(tf, kind, identity):
    return {tag["key"]: tag["value"] for tag in tf.get(tf.v3(f"{kind}/{identity}/tags"), ok=(200, 202))["tags"]}


def try_tags_v3(tf, kind, identity):
    try:
        return read_tags_v3(tf, kind, identity)
    except Refused:
        return {}


def set_tags_v3(tf, kind, identity, old, new):
    for action, tags in (("delete", old), ("create", new)):
        if tags:
            tf.post(tf.v3(f"{kind}/{identity}/tags/{action}"), {"tags": tag_list(tags)}, ok=(204,))


def given(**fields):
    """The fields that have a value: the provider leaves the others out."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
