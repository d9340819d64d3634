package sql

import (
	"strings"
)

// An effect is what a kind of statement does, whatever stands in it.
type effect struct {
	verbs string   // separated by blanks; the first is what is done to its tables
	finds []string // indicators
}

// statements are the kinds of statements that are understood. Those without an
// effect have a function of their own. It is never written to.
var statements = map[string]effect{
	"SelectStmt": {}, "InsertStmt": {}, "UpdateStmt": {}, "DeleteStmt": {}, "MergeStmt": {}, "CopyStmt": {}, "ExplainStmt": {},
	"VariableShowStmt": {}, "VariableSetStmt": {}, "VacuumStmt": {}, "AlterTableStmt": {}, "CreateFunctionStmt": {},

	"CreateTableAsStmt": {"sql.ddl sql.write", nil}, "RefreshMatViewStmt": {"sql.ddl sql.write", []string{"sql.lock"}},
	"CreateStmt": {"sql.ddl", nil}, "ViewStmt": {"sql.ddl", nil}, "IndexStmt": {"sql.ddl", nil}, "CommentStmt": {"sql.ddl", nil}, "CreatedbStmt": {"sql.ddl", nil},
	"CreateSchemaStmt": {"sql.ddl", nil}, "CreateSeqStmt": {"sql.ddl", nil}, "AlterSeqStmt": {"sql.ddl", []string{"sql.sequence"}}, "CreateEnumStmt": {"sql.ddl", nil},
	"AlterEnumStmt": {"sql.ddl", nil}, "CompositeTypeStmt": {"sql.ddl", nil}, "CreateDomainStmt": {"sql.ddl", nil}, "RenameStmt": {"sql.ddl", nil},
	"AlterObjectSchemaStmt": {"sql.ddl", nil}, "ReindexStmt": {"sql.ddl", []string{"sql.lock"}}, "ClusterStmt": {"sql.ddl", []string{"sql.lock"}},
	"AlterDatabaseStmt": {"sql.ddl", []string{"sql.server-config"}}, "CreateTableSpaceStmt": {"sql.ddl", []string{"sql.server-file"}},

	"DropStmt": {"sql.ddl", []string{"sql.destructive"}}, "DropdbStmt": {"sql.ddl", []string{"sql.destructive"}}, "DropTableSpaceStmt": {"sql.ddl", []string{"sql.destructive"}},
	"TruncateStmt": {"sql.delete sql.write", []string{"sql.destructive"}},

	"GrantStmt": {"sql.control", []string{"sql.privilege"}}, "GrantRoleStmt": {"sql.control", []string{"sql.privilege"}}, "AlterRoleStmt": {"sql.control", []string{"sql.privilege"}},
	"AlterRoleSetStmt": {"sql.control", []string{"sql.privilege"}}, "CreateRoleStmt": {"sql.control", []string{"sql.privilege"}}, "DropRoleStmt": {"sql.control", []string{"sql.privilege"}},
	"AlterDefaultPrivilegesStmt": {"sql.control", []string{"sql.privilege"}}, "ReassignOwnedStmt": {"sql.control", []string{"sql.privilege"}},
	"DropOwnedStmt": {"sql.control", []string{"sql.privilege", "sql.destructive"}}, "AlterOwnerStmt": {"sql.control", []string{"sql.privilege"}},
	"SecLabelStmt": {"sql.control", []string{"sql.privilege"}}, "CreatePolicyStmt": {"sql.control", []string{"sql.privilege"}},
	"AlterPolicyStmt": {"sql.control", []string{"sql.privilege"}}, "AlterDatabaseSetStmt": {"sql.control", []string{"sql.privilege"}},

	"AlterSystemStmt": {"sql.control", []string{"sql.server-config"}},

	"DoStmt": {"sql.unknown", []string{"sql.server-code", "sql.opaque"}}, "CallStmt": {"sql.unknown", []string{"sql.server-code"}},
	"AlterFunctionStmt": {"sql.ddl", []string{"sql.server-code", "sql.privilege"}}, "CreateExtensionStmt": {"sql.ddl sql.unknown", []string{"sql.server-code"}},
	"AlterExtensionStmt": {"sql.ddl sql.unknown", []string{"sql.server-code"}}, "AlterExtensionContentsStmt": {"sql.ddl sql.unknown", []string{"sql.server-code"}},
	"LoadStmt": {"sql.unknown", []string{"sql.server-code"}}, "CreateTrigStmt": {"sql.ddl", []string{"sql.server-code"}},
	"CreateEventTrigStmt": {"sql.ddl", []string{"sql.server-code"}}, "AlterEventTrigStmt": {"sql.ddl", []string{"sql.server-code"}},
	"RuleStmt": {"sql.ddl", []string{"sql.server-code"}}, "CreatePLangStmt": {"sql.ddl", []string{"sql.server-code"}}, "CreateCastStmt": {"sql.ddl", []string{"sql.server-code"}},
	"CreateTransformStmt": {"sql.ddl", []string{"sql.server-code"}}, "CreateConversionStmt": {"sql.ddl", []string{"sql.server-code"}},
	"DefineStmt": {"sql.ddl", []string{"sql.server-code"}}, "CreateOpClassStmt": {"sql.ddl", []string{"sql.server-code"}}, "CreateAmStmt": {"sql.ddl", []string{"sql.server-code"}},

	"CreateSubscriptionStmt": {"sql.ddl", []string{"sql.network"}}, "AlterSubscriptionStmt": {"sql.ddl", []string{"sql.network"}},
	"DropSubscriptionStmt": {"sql.ddl", []string{"sql.network"}}, "CreatePublicationStmt": {"sql.ddl", []string{"sql.network", "sql.export"}},
	"AlterPublicationStmt": {"sql.ddl", []string{"sql.network", "sql.export"}}, "CreateForeignServerStmt": {"sql.ddl", []string{"sql.network"}},
	"AlterForeignServerStmt": {"sql.ddl", []string{"sql.network"}}, "CreateForeignTableStmt": {"sql.ddl", []string{"sql.network"}},
	"CreateFdwStmt": {"sql.ddl", []string{"sql.network", "sql.server-code"}}, "AlterFdwStmt": {"sql.ddl", []string{"sql.network", "sql.server-code"}},
	"CreateUserMappingStmt": {"sql.control", []string{"sql.network", "sql.privilege"}}, "AlterUserMappingStmt": {"sql.control", []string{"sql.network", "sql.privilege"}},
	"DropUserMappingStmt": {"sql.control", []string{"sql.network", "sql.privilege"}}, "ImportForeignSchemaStmt": {"sql.ddl", []string{"sql.network"}},

	"TransactionStmt": {"sql.control", []string{"sql.txn-control"}}, "ConstraintsSetStmt": {"sql.control", []string{"sql.session-setting"}},
	"DiscardStmt": {"sql.control", []string{"sql.session-setting", "sql.identity-switch"}}, "LockStmt": {"sql.control", []string{"sql.lock"}},
	"PrepareStmt": {"sql.control", []string{"sql.session-setting"}}, "DeallocateStmt": {"sql.control", []string{"sql.session-setting"}},
	"ExecuteStmt": {"sql.unknown", []string{"sql.opaque"}}, "FetchStmt": {"sql.unknown", []string{"sql.opaque"}},
	"DeclareCursorStmt": {"sql.control", []string{"sql.cursor"}}, "ClosePortalStmt": {"sql.control", []string{"sql.cursor"}},
	"CheckPointStmt": {"sql.control", []string{"sql.admin"}}, "NotifyStmt": {"sql.control", []string{"sql.admin"}},
	"ListenStmt": {"sql.control", []string{"sql.session-setting"}}, "UnlistenStmt": {"sql.control", []string{"sql.session-setting"}},
}

// statement looks at one statement, and at those inside it.
func (w *walker) statement(t tree) {
	before := w.as
	defer func() { w.as = before }()
	switch e, ok := statements[t.kind]; {
	case !ok:
		w.strange(t.kind)
		w.as = unknown
		w.inside(t)
	case e.verbs != "":
		w.utility(t, e)
	default:
		w.special(t)
	}
}

func (w *walker) utility(t tree, e effect) {
	verbs := strings.Fields(e.verbs)
	w.Does(verbs...)
	w.as = verbs[0]
	for _, id := range e.finds {
		w.find(id, strings.TrimSuffix(t.kind, "Stmt"))
		if id == "sql.export" {
			w.Export("a publication")
		}
	}
	switch t.kind {
	case "DropStmt":
		for _, o := range t.list("objects") {
			if o.kind == "String" {
				w.Touches(dotted([]string{o.value("sval")}), ddl)
			} else if parts := names(o.list("items")); len(parts) > 0 {
				w.Touches(dotted(parts), ddl)
			}
		}
		w.inside(t, "objects")
	case "CreateExtensionStmt", "CreateSubscriptionStmt", "CreatePublicationStmt", "AlterPublicationStmt":
		// What stands in them is of the statement alone, and said already.
	default:
		w.inside(t)
	}
}

// special looks at the statements whose effect depends on what stands in them.
func (w *walker) special(t tree) {
	switch t.kind {
	case "SelectStmt":
		w.selects(t)
	case "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt":
		w.changes(t)
	case "CopyStmt":
		w.copies(t)
	case "ExplainStmt":
		w.explains(t)
	case "VariableShowStmt":
		w.Does(reads)
		if name := strings.ToLower(t.value("name")); !harmlessSettings[name] {
			w.find("sql.credential-read", "SHOW "+name)
		}
	case "VariableSetStmt":
		w.sets(t)
	case "VacuumStmt":
		w.Does(controls)
		w.as = controls
		w.find("sql.admin", "VACUUM or ANALYZE")
		if option(t, "full") {
			w.find("sql.lock", "VACUUM FULL")
		}
		w.inside(t)
	case "AlterTableStmt":
		w.altersTable(t)
	case "CreateFunctionStmt":
		w.Does(ddl)
		w.find("sql.server-code", dotted(names(t.list("funcname"))))
		if option(t, "security") {
			w.find("sql.privilege", "SECURITY DEFINER")
		}
		w.as = ddl
		w.inside(t, "parameters")
	}
}

// option reports whether an option is given and not off.
func option(t tree, name string) bool {
	for _, o := range t.list("options") {
		arg := o.field("arg")
		off := arg.kind == "Boolean" && arg.value("boolval") != "true" || arg.kind == "Integer" && arg.value("ival") != "1"
		switch strings.ToLower(arg.value("sval")) {
		case "off", "false":
			off = true
		}
		if o.value("defname") == name && !off {
			return true
		}
	}
	return false
}

// changes looks at what inserts, updates, deletes or merges.
func (w *walker) changes(t tree) {
	defer w.with(t.field("withClause"))()
	w.Does(writes)
	verb := writes
	if t.kind == "DeleteStmt" {
		verb = deletes
		w.Does(deletes)
	}
	for _, when := range t.list("mergeWhenClauses") {
		if when.value("commandType") == "CMD_DELETE" {
			w.Does(deletes)
		}
	}
	w.table(t.field("relation"), verb)
	if (t.kind == "UpdateStmt" || t.kind == "DeleteStmt") && !narrows(t.field("whereClause")) {
		w.find("sql.no-where", t.value("relation", "relname"))
	}
	w.as = reads
	w.inside(t, "relation", "withClause")
}

func (w *walker) copies(t tree) {
	file, program, from := t.value("filename"), t.value("is_program") == "true", t.value("is_from") == "true"
	switch {
	case program:
		w.Does(controls)
		w.find("sql.os-command", file)
	case file != "":
		w.Does(controls)
		w.find("sql.server-file", file)
	}
	w.as = reads
	if from {
		w.Does(writes)
		w.as = writes
	} else {
		w.Does(reads)
		w.find("sql.export", "COPY TO")
		w.Export(file)
	}
	w.inside(t)
}

func (w *walker) explains(t tree) {
	if option(t, "analyze") {
		w.find("sql.explain-analyze", "EXPLAIN ANALYZE")
	} else {
		w.find("sql.explain", "EXPLAIN")
	}
	w.inside(t)
}

func (w *walker) sets(t tree) {
	name := strings.ToLower(t.value("name"))
	switch t.value("kind") {
	case "VAR_RESET_ALL":
		name = "all"
	case "VAR_SET_MULTI":
		w.find("sql.txn-control", name)
	}
	w.setting(name)
	w.inside(t)
}

// altersTable tells from the kinds of changes whether something is lost, or who
// may do what is changed.
func (w *walker) altersTable(t tree) {
	w.Does(ddl)
	w.as = ddl
	for _, cmd := range t.list("cmds") {
		kind := cmd.value("subtype")
		switch {
		case kind == "AT_ChangeOwner", strings.Contains(kind, "RowSecurity"), strings.Contains(kind, "Trig"), strings.Contains(kind, "Rule"):
			w.find("sql.privilege", kind)
		case kind == "AT_DropColumn", kind == "AT_DropConstraint":
			w.find("sql.destructive", kind+" "+cmd.value("name"))
		}
	}
	w.inside(t)
}
