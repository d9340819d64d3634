package sql

import (
	_ "embed"
	"strings"
)

// functionList are the functions of pg_catalog that only compute: those that
// PostgreSQL 15 says are not volatile, less those that read what they do not
// name, and a few that are volatile and harmless.
//
//go:embed functions.txt
var functionList string

// The lists are never written to.
var (
	functions      = words(functionList)
	operatorsKnown = words(`!! !~ !~* !~~ !~~* # ## #- #> #>> % & && &< &<| &> * *< *<= *<> *= *> *>= + - -> ->> -|- / < <-> << <<= <<|
		<= <> <@ <^ = > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~ ~>~ ~~ ~~*`)
	types = words(`any anyarray anyelement bit bool bpchar bytea char cidr circle date daterange datemultirange float4 float8 inet int2 int4
		int4range int4multirange int8 int8range int8multirange interval json jsonb jsonpath line lseg macaddr macaddr8 money name numeric nummultirange
		numrange oid path pg_lsn point polygon record regclass regconfig regnamespace regproc regprocedure regrole regtype text tid time
		timestamp timestamptz timetz tsmultirange tsquery tsrange tstzmultirange tstzrange tsvector unknown uuid varbit varchar void xid xid8 xml box
		bigserial serial smallserial serial2 serial4 serial8`)
	secretTables = words(`_pg_foreign_servers _pg_user_mappings foreign_server_options pg_authid pg_cursors pg_db_role_setting pg_file_settings
		pg_foreign_server pg_hba_file_rules pg_ident_file_mappings pg_largeobject pg_prepared_statements pg_settings pg_shadow pg_stat_activity pg_stat_replication pg_stat_ssl pg_stat_statements pg_statistic pg_statistic_ext_data pg_stats pg_stats_ext
		pg_stats_ext_exprs pg_subscription pg_user_mapping pg_user_mappings user_mapping_options`)
	harmlessSettings = words(`application_name block_size bytea_output client_encoding datestyle default_transaction_isolation
		default_transaction_read_only extra_float_digits in_hot_standby integer_datetimes intervalstyle is_superuser lc_collate lc_ctype lc_messages
		lc_monetary lc_numeric lc_time lock_timeout max_connections max_identifier_length role search_path server_encoding server_version
		server_version_num session_authorization standard_conforming_strings statement_timeout timezone transaction_isolation
		transaction_read_only work_mem`)
	lexerSettings = words(`array_nulls backslash_quote client_encoding escape_string_warning standard_conforming_strings transform_null_equals`)
	// aggregates give one row for all they read, and collectors give all of it in
	// that row.
	aggregates = words(`avg any_value bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp every max min mode percentile_cont
		percentile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop
		stddev_samp sum var_pop var_samp variance`)
	collectors = words(`array_agg json_agg json_object_agg jsonb_agg jsonb_object_agg range_agg string_agg xmlagg`)
)

// A risk is what a function does besides giving a value.
type risk struct{ indicator, verb string }

// risky are functions by name, and by the beginning of a name where it ends in a
// star. It is never written to.
var risky = map[string]risk{
	"pg_read_*": {"sql.server-file", controls}, "pg_ls_*": {"sql.server-file", controls}, "pg_file_*": {"sql.server-file", controls},
	"pg_stat_file": {"sql.server-file", controls}, "pg_logdir_ls": {"sql.server-file", controls}, "lo_import": {"sql.server-file", writes},
	"lo_export": {"sql.server-file", controls}, "pg_current_logfile": {"sql.server-file", controls},
	"pg_terminate_backend": {"sql.admin", controls}, "pg_cancel_backend": {"sql.admin", controls}, "pg_reload_conf": {"sql.admin", controls},
	"pg_rotate_logfile*": {"sql.admin", controls}, "pg_sleep*": {"sql.admin", controls}, "pg_notify": {"sql.admin", controls},
	"pg_switch_wal": {"sql.admin", controls}, "pg_promote": {"sql.admin", controls}, "pg_create_*": {"sql.admin", controls},
	"pg_drop_*": {"sql.admin", controls}, "pg_copy_*": {"sql.admin", controls}, "pg_backup_*": {"sql.admin", controls}, "pg_wal_replay_*": {"sql.admin", controls},
	"pg_stat_reset*": {"sql.admin", controls}, "pg_stat_statements_reset": {"sql.admin", controls}, "pg_logical_*": {"sql.admin", controls},
	"pg_replication_*": {"sql.admin", controls}, "pg_start_backup": {"sql.admin", controls}, "pg_stop_*": {"sql.admin", controls},
	"pg_export_snapshot": {"sql.admin", controls}, "pg_log_*": {"sql.admin", controls}, "pg_import_*": {"sql.admin", controls},
	"pg_advisory_*": {"sql.lock", controls}, "pg_try_advisory_*": {"sql.lock", controls},
	"nextval": {"sql.sequence", writes}, "setval": {"sql.sequence", writes},
	"query_to_xml*": {"sql.opaque", unknown}, "cursor_to_xml*": {"sql.opaque", unknown}, "ts_stat": {"sql.opaque", unknown},
	"ts_rewrite": {"sql.opaque", unknown}, "xpath_table": {"sql.opaque", unknown}, "crosstab*": {"sql.opaque", unknown}, "connectby": {"sql.opaque", unknown},
	"table_to_xml*": {"sql.export", unknown}, "schema_to_xml*": {"sql.export", unknown}, "database_to_xml*": {"sql.export", unknown},
	"dblink*": {"sql.network", unknown}, "postgres_fdw_*": {"sql.network", unknown}, "pg_show_all_*": {"sql.credential-read", reads},
	"pg_hba_file_rules": {"sql.credential-read", reads}, "pg_stat_get_*": {"sql.credential-read", reads},
}

func riskOf(function string) (risk, bool) {
	if r, ok := risky[function]; ok {
		return r, true
	}
	for end := len(function); end > 0; end-- {
		if r, ok := risky[function[:end]+"*"]; ok {
			return r, true
		}
	}
	return risk{}, false
}

// stranger notes a name that is on no list.
func (w *walker) stranger(what string, name []string) {
	w.Does(unknown)
	w.find("sql.function-unknown", what+" "+dotted(name))
}

// call looks at a function by its name. Its arguments are visited with the rest.
func (w *walker) call(t tree) {
	name := names(t.list("funcname"))
	if len(name) == 0 {
		w.strange("a function without a name")
		return
	}
	known := w.function(name[len(name)-1], t.list("args"))
	if !known || len(name) > 2 || len(name) == 2 && name[0] != "pg_catalog" {
		w.stranger("function", name)
	}
}

// acts reports whether a function of the name is known to do more than compute.
func acts(name string) bool {
	_, ok := riskOf(name)
	return ok || name == "set_config" || name == "current_setting"
}

// function notes what a function of the name does, and reports whether it is on a
// list.
func (w *walker) function(name string, args []tree) (known bool) {
	switch name {
	case "set_config":
		w.setConfig(args)
		return true
	case "current_setting":
		if setting, ok := constant(args); !ok || !harmlessSettings[strings.ToLower(setting)] {
			w.find("sql.credential-read", name)
		}
		return true
	}
	r, ok := riskOf(name)
	if !ok {
		return functions[name]
	}
	w.Does(r.verb)
	w.find(r.indicator, name)
	switch r.indicator {
	case "sql.export":
		w.Export("")
	case "sql.network":
		w.Export(name)
	}
	return true
}

// constant is the text of the first argument, if it is written out.
func constant(args []tree) (string, bool) {
	if len(args) == 0 || args[0].kind != "A_Const" || !args[0].has("sval") {
		return "", false
	}
	return args[0].value("sval", "sval"), true
}

func (w *walker) setConfig(args []tree) {
	w.Does(controls)
	setting, ok := constant(args)
	if !ok {
		w.opaque("a setting whose name is computed")
		w.find("sql.session-setting", "set_config")
		return
	}
	w.setting(strings.ToLower(setting))
}

// setting notes the change of a setting of the session.
func (w *walker) setting(name string) {
	w.Does(controls)
	switch {
	case name == "role" || name == "session_authorization":
		w.find("sql.identity-switch", name)
	case lexerSettings[name]:
		w.find("sql.lexer-setting", name)
	default:
		w.find("sql.session-setting", name)
	}
}

func (w *walker) operator(name []string) {
	switch {
	case len(name) == 0:
	case len(name) == 1 && operatorsKnown[name[0]], len(name) == 2 && name[0] == "pg_catalog" && operatorsKnown[name[1]]:
	default:
		w.stranger("operator", name)
	}
}

func (w *walker) typeName(t tree) {
	name := names(t.list("names"))
	switch {
	case t.value("pct_type") == "true":
		w.stranger("type of a column", name)
	case len(name) == 1 && types[name[0]], len(name) == 2 && name[0] == "pg_catalog" && types[name[1]]:
	case len(name) == 0: // the type that an ALTER leaves as it is
	default:
		w.stranger("type", name)
	}
}
