"""Playing the registrar in tests: zones in Azure DNS and elsewhere, and what the world's name server says of them."""

from __future__ import annotations

from typing import Any

import dns.message
import dns.query
import dns.rcode
from azure.mgmt.dns import DnsManagementClient

from ..conftest import Cloud


class Registrar:
    """Writes zones into one resource group, and asks."""

    def __init__(self, cloud: Cloud, group: str) -> None:
        self.cloud, self.group = cloud, group
        self.client = cloud.client(DnsManagementClient)
        self.port = int(cloud.endpoint["dns"].rsplit(":", 1)[1])

    def zone(self, name: str, **more: Any) -> Any:
        return self.client.zones.create_or_update(self.group, name, {"location": "global"}, **more)

    def put(self, zone: str, name: str, type: str, ttl: int = 300, **rows: Any) -> Any:
        return self.client.record_sets.create_or_update(self.group, zone, name, type, {"ttl": ttl, **rows})

    def txt(self, zone: str, name: str, value: str) -> None:
        self.put(zone, name, "TXT", txt_records=[{"value": [value]}])

    def cname(self, zone: str, name: str, target: str) -> None:
        self.put(zone, name, "CNAME", cname_record={"cname": target})

    def delegate(self, **places: str) -> None:
        """Have these domains, and no others, answered elsewhere: by a zone file or the server at host:port."""
        answer = self.cloud.call("PUT", "/_local/settings", json={"delegations": places})
        assert answer.status_code == 200, answer.text

    def ask(self, name: str, type: str = "A", **more: Any) -> dns.message.Message:
        return dns.query.udp(dns.message.make_query(name, type, **more), "127.0.0.1", 120, self.port)

    def says(self, name: str, type: str = "A") -> list[str]:
        response = self.ask(name, type)
        assert response.rcode() == dns.rcode.NOERROR, response
        return [row.to_text() for rrset in response.answer for row in rrset]
