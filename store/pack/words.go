package pack

// words are the strings that the record says most often. Databases hold their
// numbers: one is never changed, moved or removed, and there is room for 125.
var words = [...]string{
	`"_type":`, `"https://in-toto.io/Statement/v1"`, `"predicate":`, `"predicateType":`,
	`"https://github.com/countersignhq/countersign/event/v1"`, `"subject":`, `"digest":`,
	`"countersign-commitment-v1":`, `"name":`, `"actor":`, `"at":`, `"context":`, `"who":`,
	`"decision":`, `"execution":`, `"kind":`, `"understanding":`, `"version":`, `"prev":`,
	`"policy":`, `"agent"`, `"person"`, `"operator"`, `"gateway"`, `"1"`, `"2"`, `"3"`, `"4"`,
	`"pending"`, `"approved"`, `"allowed"`, `"denied"`, `"rejected"`, `"expired"`, `"withdrawn"`,
	`"lapsed"`, `"none"`, `"running"`, `"succeeded"`, `"failed"`, `"unknown"`, `"requested"`,
	`"joined"`, `"held"`, `"decided"`, `"released"`, `"completed"`, `"resolved"`,
	`"id":`, `"owner":`, `"origin":`, `"door":`, `"peer":`, `"client":`, `"method":`, `"issuer":`,
	`"assurance":`, `"on_behalf_of":`, `"mcp"`, `"token"`, `"session"`, `"passkey"`, `"chat"`,
	`"facts":`, `"certainty":`, `"known"`, `"possible"`, `"tool":`, `"verbs":`, `"mcp.read"`,
	`"mcp.write"`, `"indicators":`, `"severity":`, `"evidence":`, `"source":`, `"where":`,
	`"low"`, `"medium"`, `"high"`, `"critical"`, `"catalogue"`, `"annotation"`, `"configuration"`,
	`"reason":`, `"resource":`, `"environment":`, `"prod"`, `"regions":`, `"data_classes":`,
	`"owners":`, `"barred":`, `"repeats":`, `"request":`, `"verdict":`, `"effect":`, `"allow"`,
	`"hold"`, `"deny"`, `"rules":`, `"value":`, `"true"`, `"why":`, `"requirement":`, `"stages":`,
	`"reviewers":`, `"quorum":`, `"expires_at":`, `"mcp.request"`, `"params":`, `"tools/call"`,
	`"target":`, `"run_by":`, `"outcome":`, `"result_digest":`, `"bytes":`, `"started_at":`,
	`"finished_at":`, `"executor":`, `"choice":`, `"approve"`, `"channel":`, `"auth_time":`,
}
