"""The use cases of attributes (runtime spec 5.6)."""

from trio_connector.usecases.attributes.changing import (
    can_create_own_identity_attribute,
    create_own_identity_attribute,
    delete_attribute_and_notify,
    mark_attribute_as_viewed,
    notify_peer_about_succession,
    succeed_attribute,
    succeed_own_identity_attribute,
    succeed_relationship_attribute_and_notify_peer,
)
from trio_connector.usecases.attributes.querying import (
    execute_identity_attribute_query,
    execute_iql_query,
    execute_relationship_attribute_query,
    execute_third_party_relationship_attribute_query,
    validate_iql_query,
)
from trio_connector.usecases.attributes.reading import (
    attributes_of_relationship,
    get_attribute,
    list_attributes,
    list_forwarding_details,
    list_own_attributes_shared_with_peer,
    list_own_identity_attributes,
    list_peer_attributes,
    shared_versions_of_attribute,
    versions_of_attribute,
)

__all__ = [
    "attributes_of_relationship",
    "can_create_own_identity_attribute",
    "create_own_identity_attribute",
    "delete_attribute_and_notify",
    "execute_identity_attribute_query",
    "execute_iql_query",
    "execute_relationship_attribute_query",
    "execute_third_party_relationship_attribute_query",
    "get_attribute",
    "list_attributes",
    "list_forwarding_details",
    "list_own_attributes_shared_with_peer",
    "list_own_identity_attributes",
    "list_peer_attributes",
    "mark_attribute_as_viewed",
    "notify_peer_about_succession",
    "shared_versions_of_attribute",
    "succeed_attribute",
    "succeed_own_identity_attribute",
    "succeed_relationship_attribute_and_notify_peer",
    "validate_iql_query",
    "versions_of_attribute",
]
