// SPDX-License-Identifier: Apache-2.0

// render: what `helm template` prints for a chart: Go's own templates with sprig's functions, as in
// Helm, which Debian does not package.
//
//	render CHART [-release NAME] [-namespace NS] [-values FILE]... [-set a.b=JSON]... [-only TEMPLATE] [-notes] [-crds]
//
// Of Helm's behaviour it has: values merged (null removes a key), .Values .Release .Chart .Files
// .Template .Capabilities, include, tpl, required, fail, lookup (which finds nothing), toYaml,
// fromYaml, toJson, fromJson.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

type files struct{ root string }

// Get is .Files.Get: the file's text, empty when there is none.
func (f files) Get(name string) string {
	text, err := os.ReadFile(filepath.Join(f.root, name))
	if err != nil {
		return ""
	}
	return string(text)
}

type versions []string

// Has is .Capabilities.APIVersions.Has.
func (v versions) Has(name string) bool {
	for _, have := range v {
		if have == name {
			return true
		}
	}
	return false
}

func die(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "render: "+format+"\n", args...)
	os.Exit(1)
}

func read(path string) object {
	text, err := os.ReadFile(path)
	if err != nil {
		die("%v", err)
	}
	out := object{}
	if err := yaml.Unmarshal(text, &out); err != nil {
		die("%s: %v", path, err)
	}
	return out
}

// merge lays b over a, as Helm does: objects key by key, null removes, all else replaces.
func merge(a, b object) object {
	for key, value := range b {
		inner, isObject := value.(object)
		had, hadObject := a[key].(object)
		switch {
		case value == nil:
			delete(a, key)
		case isObject && hadObject:
			a[key] = merge(had, inner)
		default:
			a[key] = value
		}
	}
	return a
}

// at makes {"a": {"b": value}} of a.b=value.
func at(assignment string) object {
	path, text, ok := strings.Cut(assignment, "=")
	var value interface{} = text
	if !ok {
		die("-set %s: expected a.b=value", assignment)
	}
	var parsed interface{}
	if json.Unmarshal([]byte(text), &parsed) == nil {
		value = parsed
	}
	keys := strings.Split(path, ".")
	for i := len(keys) - 1; i >= 0; i-- {
		value = object{keys[i]: value}
	}
	return value.(object)
}

func toYaml(value interface{}) string {
	text, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(string(text), "\n")
}

func functions(root *template.Template) template.FuncMap {
	all := sprig.TxtFuncMap()
	delete(all, "env")
	delete(all, "expandenv")
	all["include"] = func(name string, data interface{}) (string, error) {
		var out strings.Builder
		err := root.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	all["tpl"] = func(text string, data interface{}) (string, error) {
		copied, err := root.Clone()
		if err != nil {
			return "", err
		}
		one, err := copied.New("tpl").Parse(text)
		if err != nil {
			return "", err
		}
		var out strings.Builder
		err = one.Execute(&out, data)
		return strings.ReplaceAll(out.String(), "<no value>", ""), err
	}
	all["required"] = func(message string, value interface{}) (interface{}, error) {
		if value == nil || value == "" {
			return nil, fmt.Errorf("%s", message)
		}
		return value, nil
	}
	all["fail"] = func(message string) (string, error) { return "", fmt.Errorf("%s", message) }
	all["lookup"] = func(...string) object { return object{} }
	all["toYaml"] = toYaml
	all["fromYaml"] = func(text string) object {
		out := object{}
		if err := yaml.Unmarshal([]byte(text), &out); err != nil {
			out["Error"] = err.Error()
		}
		return out
	}
	all["fromJson"] = all["fromYaml"]
	return all
}

type options struct {
	chart, release, namespace, only string
	values, sets                    []string
	notes, crds                     bool
}

func arguments() options {
	o := options{release: "tidegate", namespace: "tidegate"}
	args := os.Args[1:]
	for i := 0; i < len(args); i++ {
		next := func() string {
			i++
			if i == len(args) {
				die("%s: expected a value", args[i-1])
			}
			return args[i]
		}
		switch args[i] {
		case "-release":
			o.release = next()
		case "-namespace":
			o.namespace = next()
		case "-values":
			o.values = append(o.values, next())
		case "-set":
			o.sets = append(o.sets, next())
		case "-only":
			o.only = next()
		case "-notes":
			o.notes = true
		case "-crds":
			o.crds = true
		default:
			if strings.HasPrefix(args[i], "-") || o.chart != "" {
				die("%s: unknown", args[i])
			}
			o.chart = args[i]
		}
	}
	if o.chart == "" {
		die("expected the folder of a chart")
	}
	return o
}

func data(o options) object {
	values := read(filepath.Join(o.chart, "values.yaml"))
	for _, path := range o.values {
		values = merge(values, read(path))
	}
	for _, assignment := range o.sets {
		values = merge(values, at(assignment))
	}
	about := read(filepath.Join(o.chart, "Chart.yaml"))
	chart := object{}
	for key, value := range about {
		chart[strings.ToUpper(key[:1])+key[1:]] = value
	}
	return object{
		"Values": values,
		"Chart":  chart,
		"Release": object{"Name": o.release, "Namespace": o.namespace, "Service": "Helm",
			"IsInstall": true, "IsUpgrade": false, "Revision": 1},
		"Files": files{o.chart},
		"Capabilities": object{"APIVersions": versions{"v1", "apps/v1"},
			"KubeVersion": object{"Version": "v1.34.0", "Major": "1", "Minor": "34"}},
	}
}

func main() {
	o := arguments()
	root := template.New("chart").Option("missingkey=zero")
	root.Funcs(functions(root))
	paths, _ := filepath.Glob(filepath.Join(o.chart, "templates", "*"))
	sort.Strings(paths)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			die("%v", err)
		}
		if _, err := root.New(filepath.Base(path)).Parse(string(text)); err != nil {
			die("%v", err)
		}
	}
	if o.crds {
		crds, _ := filepath.Glob(filepath.Join(o.chart, "crds", "*.yaml"))
		for _, path := range crds {
			text, _ := os.ReadFile(path)
			fmt.Printf("---\n%s", text)
		}
	}
	context := data(o)
	for _, path := range paths {
		name := filepath.Base(path)
		isNotes := name == "NOTES.txt"
		if strings.HasPrefix(name, "_") || isNotes != o.notes || (o.only != "" && name != o.only) {
			continue
		}
		context["Template"] = object{"Name": name, "BasePath": "templates"}
		var out bytes.Buffer
		if err := root.ExecuteTemplate(&out, name, context); err != nil {
			die("%v", err)
		}
		text := strings.TrimSpace(strings.ReplaceAll(out.String(), "<no value>", ""))
		if isNotes {
			fmt.Println(text)
		} else if text = strings.TrimPrefix(text, "---"); strings.TrimSpace(text) != "" {
			fmt.Printf("---\n# Source: %s\n%s\n", name, strings.TrimSpace(text))
		}
	}
}
