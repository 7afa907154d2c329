// SPDX-License-Identifier: Apache-2.0
/*
 * compile_layers: routes below routes (reference a.1, multi-layer routing).
 *
 * An IngressRoute with parentRefs is a child: each of its routes stands below each route of each of
 * its parents. A request that a parent's route matches runs that route's middlewares, and is then
 * matched against the routes below by a router of their own. Objects become layers before routes
 * are made (compile_layers_index), so that it is known which routes must have a service and which
 * must not; the routes themselves are linked once all are known (compile_layers_link): circles are
 * cut in the order of router names, what no root leads to is disabled.
 */

#include "plan/compile_parts.h"
#include "plan/router.h"

enum { LAYERS_MAX = 8 /* as many chains as a request can go through */, EDGES_MAX = 1 << 22 };

struct node;

/* An IngressRoute that is a parent or a child. */
struct layer {
	const struct object *object;
	struct layer **parents, **children; /* children: sorted by object, as the store is */
	size_t n_parents, n_children, room_children;
	bool is_skipped;     /* a parent does not exist: none of its routes is made */
	struct node **nodes; /* its routes, sorted by name */
	size_t n_nodes;
	const struct router *router; /* over the routes below, for all that have no edge cut */
};

enum node_color { NODE_NEW, NODE_OPEN, NODE_DONE };

struct node {
	struct draft *draft;
	struct layer *layer;
	enum node_color color;
	unsigned int level;	  /* 1: a root; 0: not reached */
	size_t layer_at, node_at; /* the next edge of the walk */
	struct node **cut;	  /* edges that closed a circle */
	size_t n_cut, room_cut;
};

struct walk {
	struct compile *c;
	struct node *nodes; /* sorted by name */
	size_t n;
	struct node **stack, **order; /* order: of completion */
	size_t n_order;
	size_t n_edges;
};

static const struct diag_path *parents_path(struct diag_path room[2])
{
	room[0] = (struct diag_path){.name = "spec", .name_len = strlen("spec")};
	room[1] = (struct diag_path){
		.parent = &room[0], .name = "parentRefs", .name_len = strlen("parentRefs")};
	return &room[1];
}

/* ------------------------------------------------------------------ index -- */

static struct layer *layer_of(struct compile *c, const struct object *object)
{
	struct layer *layer = table_find(&c->layers, object->id);

	if (layer)
		return layer;
	layer = ARENA_NEW(&c->lasting, struct layer);
	if (!layer || table_put(&c->layers, object->id, layer, NULL) < 0)
		return NULL;
	layer->object = object;
	return layer;
}

static bool has_child(const struct layer *parent, const struct layer *child)
{
	for (size_t i = 0; i < parent->n_children; i++)
		if (parent->children[i] == child)
			return true;
	return false;
}

static void add_child(struct compile *c, struct layer *parent, struct layer *child)
{
	if (parent->n_children == parent->room_children) {
		size_t room = parent->room_children ? parent->room_children * 2 : 4;
		struct layer **children = ARENA_ARRAY(&c->scratch, struct layer *, room);

		if (!children)
			return;
		if (parent->n_children)
			memcpy(children, parent->children, parent->n_children * sizeof(*children));
		parent->children = children;
		parent->room_children = room;
	}
	parent->children[parent->n_children++] = child;
}

/* Every reference must be good, else the object is not used at all (reference a.1). */
static bool find_parents(struct compile *c, struct layer *child)
{
	const struct ingress_route *spec = child->object->spec;
	struct str from = child->object->meta.namespace_, namespace_;
	struct diag_path room[2];
	const struct diag_path *path = parents_path(room);

	child->parents = ARENA_ARRAY(&c->scratch, struct layer *, spec->parent_refs.n);
	for (size_t i = 0; child->parents && i < spec->parent_refs.n; i++) {
		const struct object_ref *ref =
			LIST_AT(spec->parent_refs, const struct object_ref, i);
		const struct diag_path *here = DIAG_INDEX(path, i);
		const struct object *object;

		if (!compile_reference_namespace(c, from, ref->name, ref->namespace_, here,
						 &namespace_))
			return false;
		object = compile_find(c, KIND_INGRESS_ROUTE, namespace_, ref->name);
		if (!object) {
			diag_error(c->sink, here,
				   "IngressRoute " STR_FMT "/" STR_FMT
				   " does not exist, so the routes below it are not served",
				   STR_ARG(namespace_), STR_ARG(ref->name));
			return false;
		}
		child->parents[child->n_parents] = layer_of(c, object);
		if (!child->parents[child->n_parents++])
			return false;
	}
	return child->parents != NULL;
}

/* Mostly nobody has: then ten thousand objects need not be sorted for it. */
static bool any_parents(const struct store *store)
{
	TABLE_EACH (&store->objects[KIND_INGRESS_ROUTE], slot) {
		const struct object *object = slot->value;

		if (object->valid && ((const struct ingress_route *)object->spec)->parent_refs.n)
			return true;
	}
	return false;
}

void compile_layers_index(struct compile *c)
{
	struct object **objects;
	size_t n;

	if (!any_parents(c->store))
		return;
	objects = store_sorted(c->store, KIND_INGRESS_ROUTE, &c->scratch, &n);
	for (size_t i = 0; i < n; i++) {
		const struct ingress_route *spec = objects[i]->spec;
		struct compile_about before;
		struct layer *layer;

		if (!objects[i]->valid || !spec->parent_refs.n ||
		    !compile_route_is_ours(c, objects[i]))
			continue;
		layer = layer_of(c, objects[i]);
		if (!layer)
			return;
		before = compile_about(c, objects[i]);
		layer->is_skipped = !find_parents(c, layer);
		compile_about_end(c, before);
		for (size_t j = 0; !layer->is_skipped && j < layer->n_parents; j++)
			if (!has_child(layer->parents[j], layer))
				add_child(c, layer->parents[j], layer);
	}
}

enum compile_layer compile_layers_of(const struct compile *c, const struct object *object)
{
	const struct layer *layer = c->layers.n ? table_find(&c->layers, object->id) : NULL;
	const struct ingress_route *spec = object->spec;

	if (!layer)
		return LAYER_ALONE;
	if (layer->is_skipped)
		return LAYER_SKIPPED;
	if (spec->parent_refs.n)
		return layer->n_children ? LAYER_MIDDLE : LAYER_LEAF;
	return layer->n_children ? LAYER_ROOT : LAYER_ALONE;
}

bool compile_layers_has(const struct compile *c, const struct object *object)
{
	return (c->layers.n && table_find(&c->layers, object->id)) ||
	       (object->valid && ((const struct ingress_route *)object->spec)->parent_refs.n);
}

/* ------------------------------------------------------------------- link -- */

static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct node *)a)->draft->route.name,
		       ((const struct node *)b)->draft->route.name);
}

static bool collect(struct walk *walk)
{
	struct compile *c = walk->c;

	walk->nodes = ARENA_ARRAY(&c->scratch, struct node, c->drafts.n + 1);
	for (size_t i = 0; walk->nodes && i < c->drafts.n; i++) {
		struct draft *draft = c->drafts.at[i];
		struct layer *layer =
			draft->object ? table_find(&c->layers, draft->object->id) : NULL;

		if (!layer)
			continue;
		walk->nodes[walk->n++] = (struct node){.draft = draft, .layer = layer};
		layer->n_nodes++;
	}
	walk->stack = ARENA_ARRAY(&c->scratch, struct node *, walk->n + 1);
	walk->order = ARENA_ARRAY(&c->scratch, struct node *, walk->n + 1);
	if (!walk->nodes || !walk->stack || !walk->order)
		return false;
	qsort(walk->nodes, walk->n, sizeof(*walk->nodes), by_name);
	for (size_t i = 0; i < walk->n; i++) {
		struct layer *layer = walk->nodes[i].layer;

		if (!layer->nodes) {
			layer->nodes = ARENA_ARRAY(&c->scratch, struct node *, layer->n_nodes);
			layer->n_nodes = 0;
		}
		if (!layer->nodes)
			return false;
		layer->nodes[layer->n_nodes++] = &walk->nodes[i];
	}
	return true;
}

static void tell(struct walk *walk, struct node *node, bool is_error, const char *text)
{
	struct compile *c = walk->c;
	struct compile_about before = compile_about(c, node->draft->object);
	struct diag_path room[2];
	const struct diag_path *path = parents_path(room);

	if (is_error)
		diag_error(c->sink, path, STR_FMT ": %s", STR_ARG(node->draft->route.name), text);
	else
		diag_warning(c->sink, path, STR_FMT ": %s", STR_ARG(node->draft->route.name), text);
	if (is_error)
		compile_route_disable(node->draft, compile_problem(c));
	else
		compile_route_warn(node->draft, compile_problem(c));
	compile_about_end(c, before);
}

static void cut(struct walk *walk, struct node *from, struct node *to)
{
	if (from->n_cut == from->room_cut) {
		size_t room = from->room_cut ? from->room_cut * 2 : 4;
		struct node **edges = ARENA_ARRAY(&walk->c->scratch, struct node *, room);

		if (!edges)
			return;
		if (from->n_cut)
			memcpy(edges, from->cut, from->n_cut * sizeof(*edges));
		from->cut = edges;
		from->room_cut = room;
	}
	if (!from->n_cut)
		tell(walk, from, false,
		     "the routes are below each other in a circle, which is cut here");
	from->cut[from->n_cut++] = to;
}

static bool is_cut(const struct node *from, const struct node *to)
{
	for (size_t i = 0; i < from->n_cut; i++)
		if (from->cut[i] == to)
			return true;
	return false;
}

/* The next route below, or NULL after the last. */
static struct node *next_below(struct node *node)
{
	while (node->layer_at < node->layer->n_children) {
		const struct layer *below = node->layer->children[node->layer_at];

		if (node->node_at < below->n_nodes)
			return below->nodes[node->node_at++];
		node->layer_at++;
		node->node_at = 0;
	}
	return NULL;
}

/* Depth first from one route; an edge back to an open one closes a circle. */
static bool visit(struct walk *walk, struct node *start)
{
	size_t depth = 0;

	walk->stack[depth++] = start;
	start->color = NODE_OPEN;
	while (depth) {
		struct node *node = walk->stack[depth - 1], *below = next_below(node);

		if (++walk->n_edges > EDGES_MAX)
			return false;
		if (!below) {
			node->color = NODE_DONE;
			walk->order[walk->n_order++] = node;
			depth--;
		} else if (below->color == NODE_OPEN) {
			cut(walk, node, below);
		} else if (below->color == NODE_NEW) {
			below->color = NODE_OPEN;
			walk->stack[depth++] = below;
		}
	}
	return true;
}

/* From the roots down: whoever completed last stands above all that it leads to. */
static void reach(struct walk *walk)
{
	for (size_t i = walk->n_order; i-- > 0;) {
		struct node *node = walk->order[i], *below;

		if (!node->layer->n_parents)
			node->level = 1;
		else if (!node->level)
			tell(walk, node, true, "no route above it is served");
		else if (node->level > LAYERS_MAX)
			tell(walk, node, true, "more than 8 layers of routes");
		if (!node->level || node->draft->route.status == ROUTE_DISABLED)
			continue;
		node->layer_at = node->node_at = 0;
		while ((below = next_below(node)))
			if (!is_cut(node, below) && below->level <= node->level)
				below->level = node->level + 1;
	}
}

static const struct router *router_below(struct walk *walk, struct node *node)
{
	struct compile *c = walk->c;
	const struct router *router;
	struct route **routes;
	struct node *below;
	size_t n = 0, most = 0;

	if (!node->n_cut && node->layer->router)
		return node->layer->router;
	for (size_t i = 0; i < node->layer->n_children; i++)
		most += node->layer->children[i]->n_nodes;
	routes = ARENA_ARRAY(&c->scratch, struct route *, most + 1);
	node->layer_at = node->node_at = 0;
	while (routes && (below = next_below(node)))
		if (below->draft->route.status != ROUTE_DISABLED && !is_cut(node, below))
			routes[n++] = &below->draft->route;
	router = routes ? router_new(routes, n, c->arena) : NULL;
	if (!router)
		c->arena->failed = true;
	if (!node->n_cut)
		node->layer->router = router;
	return router;
}

void compile_layers_link(struct compile *c)
{
	struct walk walk = {.c = c};

	if (!c->layers.n || !collect(&walk))
		return;
	for (size_t i = 0; i < walk.n; i++)
		if (walk.nodes[i].color == NODE_NEW && !visit(&walk, &walk.nodes[i])) {
			tell(&walk, &walk.nodes[i], true, "too many routes below routes");
			return;
		}
	reach(&walk);
	/* From below up: disabled is known for all now, and routers are shared. */
	for (size_t i = 0; i < walk.n_order; i++)
		if (walk.order[i]->layer->n_children)
			walk.order[i]->draft->route.below = router_below(&walk, walk.order[i]);
}
