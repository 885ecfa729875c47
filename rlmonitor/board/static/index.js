// node_modules/preact/dist/preact.mjs
var e, t, n, r, i, a, o, s, c, l, u = Symbol.for("pv"), d = {}, f = [], p = /^m(i|n|o|s|text|space)$/, m = Array.isArray, h = f.slice, g = Object.assign;
function _(e) {
	e && e.parentNode && e.remove();
}
function v(n, r, i, a, o) {
	var s = {
		type: n,
		props: r,
		key: i,
		ref: a,
		__k: null,
		__: null,
		__b: 0,
		__e: null,
		__c: null,
		constructor: u,
		__v: o || ++t,
		__i: -1,
		__u: 0
	};
	return !o && e.vnode && e.vnode(s), s;
}
function y(e) {
	return e.children;
}
function b(e, t) {
	this.props = e, this.context = t, this.__g = 0;
}
function x(e, t) {
	if (t == null) return e.__ && x(e.__, e.__i + 1);
	for (var n; t < e.__k.length; t++) if ((n = e.__k[t]) && n.__e) return n.__e;
	return typeof e.type != "function" || e.props.__P ? null : x(e);
}
function S(t) {
	var n, r = t.__v, i = r.__e, a = [], o = [], s = t.__P;
	s && ((n = g({ constructor: u }, r)).__v = r.__v + 1, e.vnode && e.vnode(n), ne(s, n, r, t.__n, s.namespaceURI, 32 & r.__u ? [i] : null, a, i || x(r), 32 & r.__u, o), n.__v = r.__v, n.__.__k[n.__i] = n, ae(a, n, o), r.__ = r.__e = null, n.__e != i && C(n));
}
function C(e) {
	if ((e = e.__) && e.__c && !e.props.__P) return e.__e = null, e.__k.some(function(t) {
		return t && (e.__e = t.__e);
	}), C(e);
}
function w(t) {
	(8 & t.__g || (t.__g |= 8, n.push(t), i++)) && r == e.debounceRendering || ((r = e.debounceRendering) || queueMicrotask)(T);
}
function T() {
	try {
		for (var e, t = 1; n.length;) n.length > t && n.sort(a), e = n.shift(), t = n.length, 8 & e.__g && S(e);
	} finally {
		(i = n.length) && (r || queueMicrotask)(T);
	}
}
function E(e, t, n, r, i, a, o, s, c, l, u) {
	var p, m, h, g, _, v, y = r.__k || f, b = t.length;
	for (c = D(n, t, y, c, b), p = 0; p < b; p++) (h = n.__k[p]) != null && (m = ~h.__i && y[h.__i] || d, h.__i = p, v = ne(e, h, m, i, a, o, s, c, l, u), g = h.__e, (m.ref != h.ref || 8 & m.__u) && (m.ref && j(m.ref, null, h, m), h.ref && u.push(h.ref, h.__c || g, h)), _ ||= g, 4 & h.__u ? (c = O(h, c, e, !m.__v), m.__e && (m.__e = null)) : typeof h.type == "function" && v !== void 0 ? c = v : g && (c = g.nextSibling), h.__u &= -21);
	return n.__e = _, c;
}
function D(e, t, n, r, i) {
	var a, o, s, c, l, d, f, p, h, g = n.length, _ = g, b = 0, S = 0, C = e.__k = Array(i);
	for (a = 0; a < i; a++) (o = t[a]) != null && typeof o != "boolean" && typeof o != "function" ? (typeof o != "object" || o.constructor === String ? o = C[a] = v(null, o) : m(o) ? o = C[a] = v(y, { children: o }) : o.constructor === u && o.__b ? o = C[a] = v(o.type, o.props, o.key, o.ref, o.__v) : C[a] = o, c = a + b, o.__ = e, o.__b = e.__b + 1, s = null, ~(l = o.__i = k(o, n, c, _)) && (_--, (s = n[l]) && (s.__u |= 2)), s && s.__v ? (o.__u |= 16, l == c - 1 ? b-- : l == c + 1 ? b++ : l != c && (l > c ? b-- : b++, S = 1)) : (~l || (i > g ? b-- : i < g && b++), typeof o.type != "function" && (o.__u |= 4))) : C[a] = null;
	if (S) {
		for (d = [], f = [], a = 0; a < i; a++) if ((o = C[a]) && 16 & o.__u) {
			for (b = 0, p = d.length; b < p;) d[h = b + p >> 1] < o.__i ? b = h + 1 : p = h;
			d[b] = o.__i, f[a] = b + 1;
		}
		for (b = d.length; a--;) f[a] && (f[a] == b ? b-- : C[a].__u |= 4);
	}
	if (_) for (a = 0; a < g; a++) !(s = n[a]) || 2 & s.__u || (s.__e == r && (r = x(s)), M(s, s));
	return r;
}
function O(e, t, n, r) {
	var i, a, o, s;
	if (typeof e.type == "function") {
		if (e.props.__P) return t;
		if (i = e.__k) for (a = 0; a < i.length; a++) i[a] && (i[a].__ = e, t = O(i[a], t, n, !1));
		return t;
	}
	for (t && !t.parentNode && (t = x(e)) && !t.parentNode && (t = null), o = e.__e, s = t; s && s.nodeType == 8;) s = s.nextSibling;
	for (o != s && (!r && n.moveBefore && o.parentNode ? n.moveBefore(o, t) : n.insertBefore(o, t || null)), t = o; (t &&= t.nextSibling) && t.nodeType == 8 && !t.data.startsWith("$s"););
	return t;
}
function k(e, t, n, r) {
	var i, a = e.key, o = e.type, s = t[n], c = s && !(2 & s.__u);
	if (s === null && a == null || c && a == s.key && o == s.type) return n;
	if (r > +!!c) {
		for (i = n - 1; i >= 0; i--) if ((s = t[i]) && !(2 & s.__u) && a == s.key && o == s.type) return i;
		for (i = n + 1; i < t.length; i++) if ((s = t[i]) && !(2 & s.__u) && a == s.key && o == s.type) return i;
	}
	return -1;
}
function ee(e, t, n) {
	n ??= "", t[0] == "-" ? e.setProperty(t, n) : e[t] = n;
}
function A(e, t, n, r, i) {
	var a, o;
	if (t == "style") {
		if (typeof n == "string") e.style.cssText = n;
		else {
			if (typeof r == "string" && (e.style.cssText = r = ""), r) for (t in r) n && t in n || ee(e.style, t);
			if (n) for (t in n) r && n[t] == r[t] || ee(e.style, t, n[t]);
		}
	} else if (t[0] == "o" && t[1] == "n") typeof n != "function" && (n = null), typeof r != "function" && (r = null), (e.__e ||= {})[t] = n, n && r || (o = l[t] || (l[t] = te(t)), (e.__a ||= {})[t] = c, a = t != (t = t.replace(s, "$1")), (t = t.slice(2))[0] < "a" && (t = t.toLowerCase()), n ? e.addEventListener(t, o, a) : e.removeEventListener(t, o, a));
	else {
		if (i == "http://www.w3.org/2000/svg") t = t.replace(/xlink(H|:h)/, "h").replace(/sName$/, "s");
		else if (t != "width" && t != "height" && t != "href" && t != "list" && t != "form" && t != "tabIndex" && t != "download" && t != "rowSpan" && t != "colSpan" && t != "role" && t != "popover" && t in e) try {
			e[t] = n ?? "";
			return;
		} catch {}
		if (typeof n == "function") return;
		n == null || !1 === n && t[4] != "-" ? e.removeAttribute(t) : e.setAttribute(t, t == "popover" && n == 1 ? "" : n);
	}
}
function te(t) {
	return function(n) {
		var r = this.__e;
		if (r) {
			if (r = r[t], n[o] == null) n[o] = c++;
			else if (n[o] < this.__a[t]) return;
			return r(e.event ? e.event(n) : n);
		}
	};
}
function ne(t, n, r, i, a, o, s, c, l, d) {
	var p, h, v, S, C, w, T, D, O, k, ee, A, te, ne, ae, j, N, P, F = n.type;
	if (n.constructor !== u) return null;
	128 & r.__u && (l = 32 & r.__u, p = r.__c.__z) && (n.__u |= l, h = o = [], p.nodeType == 8 ? c = re(p, o) : o.push(p), c = o[0] || c), (p = e.__b) && p(n);
	n: if (typeof F == "function") {
		v = s.length;
		try {
			if (D = n.props, O = (p = F.prototype) && p.render, k = (p = F.contextType) && i[p.__c], ee = p ? k ? k.props.value : p.__ : i, (S = r.__c) ? (n.__c = S, 2 & S.__g && (S.__g |= 1)) : (O ? n.__c = S = new F(D, ee) : (n.__c = S = new b(D, ee), S.constructor = F, S.render = se), k && k.sub(S), S.state || (S.state = {}), S.__n = i, S.__g |= 8, S.__h = [], S.__k = []), O && (S.__s || (S.__s = S.state), F.getDerivedStateFromProps && (S.__s == S.state && (S.__s = g({}, S.__s)), g(S.__s, F.getDerivedStateFromProps(D, S.__s)))), C = S.props, w = S.state, S.__v = n, r.__c) {
				if (D !== C && O && !F.getDerivedStateFromProps && S.componentWillReceiveProps && S.componentWillReceiveProps(D, ee), n.__v == r.__v && !(8 & S.__g) || !(4 & S.__g) && S.shouldComponentUpdate && !1 === S.shouldComponentUpdate(D, S.__s, ee)) {
					n.__v != r.__v && (S.props = D, S.state = S.__s, S.__g &= -9), n.__e = r.__e, n.__k = r.__k, n.__k.some(function(e) {
						e && (e.__ = n);
					}), f.push.apply(S.__h, S.__k), S.__k = [], S.__h.length && s.push(S), c = x(r);
					break n;
				}
				S.componentWillUpdate && S.componentWillUpdate(D, S.__s, ee), O && S.componentDidUpdate && S.__h.push(function() {
					S.componentDidUpdate(C, w, T);
				});
			} else O && !F.getDerivedStateFromProps && S.componentWillMount && S.componentWillMount(), O && S.componentDidMount && S.__h.push(S.componentDidMount);
			S.context = ee, S.props = D, S.__P = t, S.__g &= -5, A = e.__r, te = O ? 25 : 0;
			do
				S.__g &= -9, A && A(n), p = S.render(S.props, S.state = S.__s, S.context);
			while (8 & S.__g && ++te < 25);
			O && (f.push.apply(S.__h, S.__k), S.__k = []), S.state = S.__s, S.getChildContext && (i = g({}, i, S.getChildContext())), O && r.__c && S.getSnapshotBeforeUpdate && (T = S.getSnapshotBeforeUpdate(C, w)), ne = p && p.type === y && p.key == null ? p.props.children : p, D.__P && (p = c, a = (t = D.__P).namespaceURI, l = o = null, r.props && r.props.__P != t && (r.__k.some(function(e) {
				e && M(e, e);
			}), r.__k = null), c = r.__k ? x(r, 0) : null), c = E(t, m(ne) ? ne : [ne], n, r, i, a, o, s, c, l, d), D.__P && (n.__e = null, c = p), n.__u &= -161, h && h.some(_), S.__h.length && s.push(S), 1 & S.__g && (S.__g &= -4);
		} catch (t) {
			if (s.length = v, n.__v = null, l || o) {
				if (t && t.then) {
					if (n.__u |= 128 | l, o) {
						for (~(N = o.indexOf(c || void 0)) || (N = o.length); (P = o[N - 1]) && P.nodeType == 8;) N--;
						for (; N < o.length; N++) if (P = o[N]) {
							if (o[N] = null, ae) {
								if (P == j) break;
							} else {
								if (P.nodeType != 8) break;
								P.data.startsWith("$s") && (j = re(ae = P));
							}
						}
					}
					if (!ae) {
						for (; c && c.nodeType == 8 && c.nextSibling;) c = c.nextSibling;
						ae = c;
					}
					(p = re(ae = n.__c.__z || (n.__c.__z = ae))) ? (n.__e = ae, c = p) : n.__e = c, c &&= c.nextSibling;
				} else o && o.some(_);
			} else n.__e = r.__e;
			n.__k ||= r.__k || [], t && t.then || ie(n), e.__e(t, n, r);
		}
	} else c = n.__e = oe(r.__e, n, r, i, a, o, s, l, d, t);
	return (p = e.diffed) && p(n), c;
}
function re(e, t) {
	if (e && e.nodeType == 8 && e.data.startsWith("$s")) for (var n = 1; e = e.nextSibling;) {
		if (e.nodeType == 8) {
			if (e.data.startsWith("$s")) n++;
			else if (e.data.startsWith("/$s") && !--n) return e;
		}
		t && t.push(e);
	}
}
function ie(e) {
	e && (e.__c && (e.__c.__g |= 4), e.__k && e.__k.some(ie));
}
function ae(t, n, r) {
	for (var i = 0; i < r.length;) j(r[i++], r[i++], r[i++]);
	e.__c && e.__c(n, t), t.some(function(n) {
		try {
			t = n.__h, n.__h = [], t.some(function(e) {
				e.call(n);
			});
		} catch (t) {
			e.__e(t, n.__v);
		}
	});
}
function oe(t, n, r, i, a, o, s, c, l, u) {
	var f, g, v, y, b, S, C, w, T = r.props || d, D = n.props, O = n.type;
	if (O == "svg" ? a = "http://www.w3.org/2000/svg" : O == "math" ? a = "http://www.w3.org/1998/Math/MathML" : a ||= "http://www.w3.org/1999/xhtml", o) {
		for (f = 0; f < o.length; f++) if ((b = o[f]) && (O ? b.localName == O : b.nodeType == 3)) {
			t = b, o[f] = null;
			break;
		}
	}
	if (!t) {
		if (w = u.ownerDocument || document, !O) return w.createTextNode(D);
		t = w.createElementNS(a, O, D.is ? D : u), c &&= (e.__m && e.__m(n, o), !1), o = null;
	}
	if (O) {
		if (u = O == "template" && t.content || t, o = O == "textarea" && D.defaultValue != null ? null : o && h.call(u.childNodes), !c && o) for (T = {}, f = 0; f < t.attributes.length; f++) T[(b = t.attributes[f]).name] = b.value;
		for (f in T) b = T[f], f == "dangerouslySetInnerHTML" ? v = b : f == "children" || f in D || f == "value" && "defaultValue" in D || f == "checked" && "defaultChecked" in D || A(t, f, null, b, a);
		for (f in D) b = D[f], f == "children" ? y = b : f == "dangerouslySetInnerHTML" ? g = b : f == "value" ? S = b : f == "checked" ? C = b : c && typeof b != "function" || T[f] === b || A(t, f, b, T[f], a);
		g ? (c || v && (g.__html == v.__html || g.__html == t.innerHTML) || (t.innerHTML = g.__html), n.__k = []) : (v && (t.textContent = ""), (O == "foreignObject" || a == "http://www.w3.org/1998/Math/MathML" && p.test(O)) && (a = "http://www.w3.org/1999/xhtml"), E(u, m(y) ? y : [y], n, r, i, a, o, s, o ? o[0] : r.__k && x(r, 0), c, l), o && o.some(_)), c && O != "textarea" || (f = "value", O == "progress" && S == null ? t.removeAttribute(f) : S == null || S === t[f] && (O != "progress" || S) || A(t, f, S, T[f], a), f = "checked", C != null && C != t[f] && A(t, f, C, T[f], a));
	} else T === D || c && t.data == D || (t.data = D);
	return t;
}
function j(t, n, r, i) {
	try {
		typeof t == "function" ? n ? n.__x = t(n) || 1 : (i &&= i.__c || i.__e) && (n = i.__x) && (i.__x = null, typeof n == "function" ? n() : t(null)) : t.current = n;
	} catch (t) {
		e.__e(t, r);
	}
}
function M(t, n, r) {
	var i, a, o, s;
	if (e.unmount && e.unmount(t), !(i = t.ref) || i.current && i.current != t.__e || j(i, null, n, t), i = t.__c) {
		if (i.componentWillUnmount) try {
			i.componentWillUnmount();
		} catch (t) {
			e.__e(t, n);
		}
		i.__P = i.__n = null;
	}
	if (i = t.__k) for (s = 0; s < i.length; s++) i[s] && M(i[s], n, typeof t.type != "function" || r && !t.props.__P);
	!r && (i = t.__c) && (i = i.__z) && (a = re(i, o = [])) && (i == t.__e && o.some(_), _(a), _(i)), r || _(t.__e), t.__e = t.__c = t.__ = null;
}
function se(e, t, n) {
	return this.constructor(e, n);
}
function N(t, n) {
	var r, i, a, o;
	e.__ && e.__(t, n), n.nodeType == 9 && (n = n.documentElement), i = (r = t && 32 & t.__u) ? null : n.__k, n.__k = v(y, { children: [t] }), a = [], o = [], ne(n, n.__k, i || d, d, n.namespaceURI, i ? null : n.firstChild ? h.call(n.childNodes) : null, a, i ? i.__e : n.firstChild, r, o), ae(a, n.__k, o), n.__k.props.children = null;
}
e = { __e: function(e, t, n, r) {
	for (var a, o, s; t = t.__;) if ((a = t.__c) && !(1 & a.__g)) {
		a.__g |= 4;
		try {
			if ((s = (o = a.constructor) && o.getDerivedStateFromError) && a.setState(o.getDerivedStateFromError(e)), a.componentDidCatch && (a.componentDidCatch(e, r || {}), s = 1), s && 8 & a.__g) return void (a.__g |= 2);
		} catch (t) {
			e = t;
		}
	}
	throw i = 0, e;
} }, t = 0, b.prototype.setState = function(e, t) {
	var n = this.__s;
	n && n != this.state || (n = this.__s = g({}, this.state)), typeof e == "function" && (e = e(g({}, n), this.props)), e && (g(n, e), this.__v && (t && this.__k.push(t), w(this)));
}, b.prototype.forceUpdate = function(e) {
	this.__v && (this.__g |= 4, e && this.__h.push(e), w(this));
}, b.prototype.render = y, n = [], i = 0, a = function(e, t) {
	return e.__v.__b - t.__v.__b;
}, o = Symbol(), s = /(PointerCapture)$|Capture$/i, c = 0, l = {};
// node_modules/uplot/dist/uPlot.min.css?inline
var P = ".uplot,.uplot *,.uplot :before,.uplot :after{box-sizing:border-box}.uplot{width:min-content;font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica Neue,Arial,Noto Sans,sans-serif,Apple Color Emoji,Segoe UI Emoji,Segoe UI Symbol,Noto Color Emoji;line-height:1.5}.u-title{text-align:center;font-size:18px;font-weight:700}.u-wrap{-webkit-user-select:none;user-select:none;position:relative}.u-over,.u-under{position:absolute}.u-under{overflow:hidden}.uplot canvas{width:100%;height:100%;display:block;position:relative}.u-axis{position:absolute}.u-legend{text-align:center;margin:auto;font-size:14px}.u-inline{display:block}.u-inline *{display:inline-block}.u-inline tr{margin-right:16px}.u-legend th{font-weight:600}.u-legend th>*{vertical-align:middle;display:inline-block}.u-legend .u-marker{width:1em;height:1em;margin-right:4px;background-clip:padding-box!important}.u-inline.u-live th:after{content:\":\";vertical-align:middle}.u-inline:not(.u-live) .u-value{display:none}.u-series>*{padding:4px}.u-series th{cursor:pointer}.u-legend .u-off>*{opacity:.3}.u-select{pointer-events:none;background:#00000012;position:absolute}.u-cursor-x,.u-cursor-y{pointer-events:none;will-change:transform;position:absolute;top:0;left:0}.u-hz .u-cursor-x,.u-vt .u-cursor-y{border-right:1px dashed #607d8b;height:100%}.u-hz .u-cursor-y,.u-vt .u-cursor-x{border-bottom:1px dashed #607d8b;width:100%}.u-cursor-pt{pointer-events:none;will-change:transform;border:0 solid;border-radius:50%;position:absolute;top:0;left:0;background-clip:padding-box!important}.u-axis.u-off,.u-select.u-off,.u-cursor-x.u-off,.u-cursor-y.u-off,.u-cursor-pt.u-off{display:none}", F, I, ce, le, ue = Object.is, de = 0, fe = [], pe = [], L = e, me = L.__b, he = L.__r, ge = L.diffed, _e = L.__c, ve = L.unmount, ye = L.__;
function be(e, t) {
	L.__h && L.__h(I, e, de || t), de = 0;
	var n = I.__H || (I.__H = {
		__: [],
		__h: []
	});
	return e >= n.__.length && n.__.push({}), n.__[e];
}
function xe(e) {
	return de = 1, R(Me, e);
}
function R(e, t, n) {
	var r = be(F++, 2);
	if (r.t = e, !r.__c && (r.__ = [n ? n(t) : Me(void 0, t), function(e) {
		var t = (r.__N || r.__)[0], n = r.t(t, e);
		ue(t, n) || (r.__N = [n, r.__[1]], r.__c.setState({}));
	}], r.__c = I, !I.__f)) {
		I.__f = !0;
		var i = I.shouldComponentUpdate;
		I.shouldComponentUpdate = function(e, t, n) {
			var r = this.__H;
			if (!r) return !0;
			var a = !1, o = this.props != e;
			if (r.__.some(function(e) {
				e.__N && (a = !0, ue(e.__[0], e.__N[0]) || (o = !0));
			}), i) {
				var s = i.call(this, e, t, n);
				return a ? s || o : s;
			}
			return !a || o;
		};
	}
	return r.__;
}
function z(e, t) {
	var n = be(F++, 3);
	!L.__s && je(n.__H, t) && (n.__P = !0, n.__ = e, n.u = t, I.__H.__h.push(n));
}
function Se(e, t) {
	var n = be(F++, 4);
	!L.__s && je(n.__H, t) && (n.__P = !1, n.__ = e, n.u = t, I.__h.push(n));
}
function B(e) {
	return de = 5, Ce(function() {
		return { current: e };
	}, []);
}
function Ce(e, t) {
	var n = be(F++, 7);
	return je(n.__H, t) && (n.__ = e(), n.__H = t), n.__;
}
function we(e, t) {
	return de = 8, Ce(function() {
		return e;
	}, t);
}
function Te() {
	var e;
	do {
		for (; e = pe.shift();) try {
			ke(e);
		} catch (t) {
			L.__e(t, { __: (e = e.__P) && e.__v });
		}
		for (; e = fe.shift();) {
			var t = e.__H;
			if (e.__P && t) try {
				t.__h.some(ke), t.__h.some(Ae), t.__h = [];
			} catch (n) {
				t.__h = [], L.__e(n, e.__v);
			}
		}
	} while (pe.length);
}
L.__b = function(e) {
	I = null, me && me(e);
}, L.__ = function(e, t) {
	e && t.__k && t.__k.__m && (e.__m = t.__k.__m), ye && ye(e, t);
}, L.__r = function(e) {
	he && he(e), F = 0;
	var t = (I = e.__c).__H;
	t && (ce == I ? I.__h = [] : (t.__h.some(ke), t.__h.some(Ae), F = 0), t.__h = [], t.__.some(function(e) {
		e.__N && (e.__ = e.__N), e.u = e.__N = void 0;
	})), ce = I;
}, L.diffed = function(e) {
	ge && ge(e);
	var t = e.__c;
	t && t.__H && (t.__H.__h.length && Oe(fe.push(t)), t.__H.__.some(function(e) {
		e.u && (e.__H = e.u);
	})), ce = I = null;
}, L.__c = function(e, t) {
	t.some(function(e) {
		try {
			e.__h.some(ke), e.__h = e.__h.filter(function(e) {
				return !e.__ || Ae(e);
			});
		} catch (t) {
			e.__h = [function() {
				throw t;
			}];
		}
	}), _e && _e(e, t);
}, L.unmount = function(e) {
	ve && ve(e);
	var t, n, r = e.__c;
	r && r.__H && (r.__H.__.some(function(r) {
		try {
			if (r.__P && r.__c) {
				if (n === void 0) {
					for (n = e.__; n && (!n.__c || !n.__c.__P);) n = n.__;
					n &&= n.__c;
				}
				r.__P = n, Oe(pe.push(r));
			} else ke(r);
		} catch (e) {
			t = e;
		}
	}), r.__H = void 0, t && L.__e(t, r.__v));
};
var Ee = typeof requestAnimationFrame == "function";
function De(e) {
	var t, n = function() {
		clearTimeout(r), Ee && cancelAnimationFrame(t), setTimeout(e);
	}, r = setTimeout(n, 35);
	Ee && (t = requestAnimationFrame(n));
}
function Oe(e) {
	e != 1 && le == L.requestAnimationFrame || ((le = L.requestAnimationFrame) || De)(Te);
}
function ke(e) {
	var t = I, n = e.__c;
	typeof n == "function" && (e.__c = void 0, n()), I = t;
}
function Ae(e) {
	var t = I;
	e.__c = e.__(), I = t;
}
function je(e, t) {
	return !e || e.length != t.length || t.some(function(t, n) {
		return !ue(t, e[n]);
	});
}
function Me(e, t) {
	return typeof t == "function" ? t(e) : t;
}
// src/colour.ts
var Ne = (e) => [
	parseInt(e.slice(1, 3), 16),
	parseInt(e.slice(3, 5), 16),
	parseInt(e.slice(5, 7), 16)
], Pe = {
	"red-blue": {
		name: "Red and blue",
		pro: [Ne("#f5301f"), Ne("#ffb08a")],
		contra: [Ne("#1f7df2"), Ne("#a6d8ff")]
	},
	"orange-purple": {
		name: "Orange and purple",
		pro: [Ne("#f18a00"), Ne("#ffe0a3")],
		contra: [Ne("#7b4fc9"), Ne("#d9c8ff")]
	},
	"yellow-cyan": {
		name: "Yellow and cyan",
		pro: [Ne("#e6c700"), Ne("#fff6b3")],
		contra: [Ne("#00a5c8"), Ne("#b3f0ff")]
	}
}, Fe = .75;
function Ie(e) {
	let t = Pe[e] ?? Pe["red-blue"], n = /* @__PURE__ */ new Uint8Array(2044);
	for (let e = -255; e <= 255; e++) {
		let [r, i] = e > 0 ? t.pro : t.contra, a = Math.abs(e) / 255, o = Math.max(0, (a - Fe) / .25), s = (e + 255) * 4;
		for (let e = 0; e < 3; e++) n[s + e] = r[e] + (i[e] - r[e]) * o;
		n[s + 3] = 255 * Math.min(1, a / Fe);
	}
	return n;
}
var Le = {
	ball: "#e8a200",
	paddle: "#1b9e77",
	tunnel: "#b066c9",
	bricks: "#c9623f",
	display: "#5b9bd5",
	rest: "#98a2ae"
}, Re = [
	"#e8a200",
	"#1b9e77",
	"#b066c9",
	"#56b4e9",
	"#c9623f",
	"#9a7b2f",
	"#d379a8"
];
function ze(e) {
	let t = new Set(e.map((e) => Le[e])), n = Re.filter((e) => !t.has(e)), r = 0;
	return Object.fromEntries(e.map((e) => [e, Le[e] ?? n[r++ % n.length]]));
}
var Be = [
	"#4477aa",
	"#ee6677",
	"#228833",
	"#ccaa33",
	"#55bbdd",
	"#aa3377",
	"#7a6a53",
	"#9988dd",
	"#77aa55",
	"#dd8844"
], Ve = (e) => Be[e % Be.length];
// src/compose.ts
function He(e, t, n = 0) {
	let [r, i] = e.shape.slice(-2), a = e.shape.length > 3 ? e.shape[1] : 1, o = r * i, s = (t * a + n) * o, c = new Float32Array(o);
	for (let t = 0; t < o; t++) c[t] = (e.data[s + t] ?? 0) / e.levels;
	return {
		values: c,
		height: r,
		width: i
	};
}
function Ue(e, t) {
	let n = new Int32Array(e), r = new Float32Array(e);
	for (let i = 0; i < e; i++) {
		let a = Math.min(Math.max((i + .5) * t / e - .5, 0), t - 1);
		n[i] = Math.min(Math.floor(a), Math.max(t - 2, 0)), r[i] = t > 1 ? a - n[i] : 0;
	}
	return {
		low: n,
		part: r
	};
}
function We(e, t, n) {
	let r = Ue(t, e.height), i = Ue(n, e.width), a = +(e.width > 1), o = e.height > 1 ? e.width : 0, s = new Float32Array(t * n);
	for (let c = 0; c < t; c++) {
		let t = r.low[c] * e.width, l = r.part[c];
		for (let r = 0; r < n; r++) {
			let u = t + i.low[r], d = i.part[r], f = e.values[u] * (1 - d) + e.values[u + a] * d, p = e.values[u + o] * (1 - d) + e.values[u + o + a] * d;
			s[c * n + r] = f * (1 - l) + p * l;
		}
	}
	return s;
}
var Ge = .55, Ke = .42;
function qe(e, t) {
	let n = .299 * e[0] + .587 * e[1] + .114 * e[2];
	return e.map((e) => (e + (n - e) * Ge * t) * (1 - Ke * t));
}
function Je(e, t, n, r, i) {
	let a = /* @__PURE__ */ new Float32Array(768);
	n.slice(0, 256).forEach((e, t) => a.set(qe(e, i.opacity), 3 * t));
	let { table: o, opacity: s } = i, c = i.sign === "for" ? 0 : -1, l = i.sign === "against" ? 0 : 1;
	for (let n = 0; n < t.length; n++) {
		let i = 3 * t[n], u = r ? Math.min(Math.max(r[n], c), l) : 0, d = (Math.round(u * 255) + 255) * 4, f = o[d + 3] / 255 * s;
		e[4 * n] = a[i] + (o[d] - a[i]) * f, e[4 * n + 1] = a[i + 1] + (o[d + 1] - a[i + 1]) * f, e[4 * n + 2] = a[i + 2] + (o[d + 2] - a[i + 2]) * f, e[4 * n + 3] = 255;
	}
}
function Ye(e, t, n, r) {
	let i = [];
	for (let a = 0; a < t; a++) for (let o = 0; o < n; o++) {
		let s = a * n + o;
		e[s] === r && ((a === 0 || e[s - n] !== r) && i.push([
			o,
			a,
			o + 1,
			a
		]), (a === t - 1 || e[s + n] !== r) && i.push([
			o,
			a + 1,
			o + 1,
			a + 1
		]), (o === 0 || e[s - 1] !== r) && i.push([
			o,
			a,
			o,
			a + 1
		]), (o === n - 1 || e[s + 1] !== r) && i.push([
			o + 1,
			a,
			o + 1,
			a + 1
		]));
	}
	return i;
}
function Xe(e, t) {
	let n = (e) => e.values.reduce((e, t) => e + Math.abs(t), 0) || 1, [r, i] = [n(e), n(t)], a = e.values.map((e, n) => e / r - (t.values[n] ?? 0) / i), o = a.reduce((e, t) => Math.max(e, Math.abs(t)), 0) || 1;
	return {
		...e,
		values: a.map((e) => e / o)
	};
}
// src/curves.ts
function Ze(e) {
	let t = [];
	for (let n of [...e].reverse()) {
		let e = t[0];
		t.unshift(n.map((t, n) => (t ?? 0) + (e?.[n] ?? 0)));
	}
	return t;
}
function Qe(e, t) {
	let n = -1;
	return e.forEach((r, i) => {
		(n < 0 || Math.abs(r - t) < Math.abs(e[n] - t)) && (n = i);
	}), n;
}
function $e(e) {
	let t = new Set(Object.values(e.parts).flatMap((e) => Object.keys(e).map(Number))), n = e.timesteps.findLastIndex((e) => t.has(e));
	return n < 0 ? e.timesteps.length - 1 : n;
}
function et(e) {
	return e.replace(/[-_./ ]+(seed|s)?[-_=]?\d+$/i, "") || e;
}
function tt(e) {
	return [...new Set(e.flatMap((e) => e.timesteps))].sort((e, t) => e - t);
}
function nt(e, t, n) {
	let r = e.values[t] ?? [], i = [];
	e.timesteps.forEach((e, t) => {
		let n = r[t];
		n != null && i.push([e, n]);
	});
	let a = 0;
	return n.map((e) => {
		for (; a < i.length && i[a][0] < e;) a++;
		let t = i[a];
		if (!t) return null;
		if (t[0] === e) return t[1];
		let n = i[a - 1];
		return n ? n[1] + (t[1] - n[1]) * (e - n[0]) / (t[0] - n[0]) : null;
	});
}
function rt(e, t, n, r) {
	let i = /* @__PURE__ */ new Map();
	for (let t of e) {
		let e = r ? et(t.run) : t.run;
		i.set(e, [...i.get(e) ?? [], t]);
	}
	return [...i].map(([e, r]) => {
		let i = r.map((e) => nt(e, t, n)), a = (e) => i.flatMap((t) => t[e] ?? []), o = (e) => n.map((t, n) => a(n).length ? e(a(n)) : null);
		return {
			name: r.length > 1 ? `${e} (${r.length} seeds)` : r[0].run,
			runs: r.map((e) => e.run),
			mean: o((e) => e.reduce((e, t) => e + t, 0) / e.length),
			low: o((e) => Math.min(...e)),
			high: o((e) => Math.max(...e))
		};
	});
}
var it = [
	"clip",
	"probe",
	"play"
], at = class extends Error {};
function ot(e, t) {
	if (e !== 1) throw new at(`${t} has format ${String(e)}; this page reads format 1. The rlmonitor that wrote it shows it.`);
}
var st = new Intl.NumberFormat("en-US"), V = (e) => st.format(e);
function ct(e) {
	let t = Math.abs(e);
	return (t !== 0 && (t < .001 || t >= 1e6) ? e.toExponential(1) : String(Number(e.toPrecision(3)))).replace("-", "−");
}
var H = (e) => `${(100 * e).toFixed(+(e < .0995))} %`, lt = {
	q: ["What it values", "Q(s, a)"],
	value: ["What it values", "V(s)"],
	advantage: ["What it decides by", "Q(s, a) − mean Q"],
	logit: ["What speaks for the action", "logit"]
};
function ut(e, t = !1) {
	let n = lt[e] ?? [e, e];
	return t && e === "advantage" ? [n[0], "logit − mean logit"] : n;
}
// src/picture.ts
async function dt(e) {
	let t = new Blob([e]).stream().pipeThrough(new DecompressionStream("deflate"));
	return new Uint8Array(await new Response(t).arrayBuffer());
}
function ft(e, t) {
	let n = e.length / Math.max(t, 1);
	for (let t = n; t < e.length; t++) e[t] ^= e[t - n];
	return e;
}
async function pt(e, t) {
	let n = e.shape.reduce((e, t) => e * t, 1), r = await dt(t).catch(() => /* @__PURE__ */ new Uint8Array());
	if (r.length !== n) throw new at(`The array ${e.name} is damaged: it has ${r.length} of ${n} bytes.`);
	return e.delta ? ft(r, e.shape[0] ?? 0) : r;
}
var mt = class {
	header;
	address;
	fetch;
	arrays = /* @__PURE__ */ new Map();
	constructor(e, t, n) {
		this.header = e, this.address = t, this.fetch = n;
	}
	has(e) {
		return this.header.arrays.some((t) => t.name === e);
	}
	get targets() {
		return this.header.arrays.map((e) => e.name).filter((e) => e.startsWith("relevance/")).map((e) => e.slice(10));
	}
	array(e) {
		let t = this.arrays.get(e);
		if (t) return t;
		let n = this.header.arrays.findIndex((t) => t.name === e), r = this.header.arrays[n], i = r ? this.fetch(n + 1).then((e) => pt(r, e)) : Promise.reject(new at(`There is no array ${e}.`));
		return this.arrays.set(e, i), i.catch(() => this.arrays.delete(e)), i;
	}
	async layer(e) {
		let t = await this.array(e), n = this.header.arrays.find((t) => t.name === e);
		return {
			data: new Int8Array(t.buffer, t.byteOffset, t.length),
			shape: n.shape,
			levels: n.levels ?? 127,
			scale: n.scale ?? 1
		};
	}
}, ht = /* @__PURE__ */ new Map();
function gt(e, t, n, r, i) {
	let a = JSON.stringify([
		t,
		n,
		r,
		i
	]), o = ht.get(a);
	ht.delete(a);
	let s = o ?? vt(e, t, n, r, i, a);
	ht.set(a, s), s.catch(() => ht.delete(a));
	for (let e of [...ht.keys()].slice(0, -16)) ht.delete(e);
	return s;
}
async function _t(e, t, n, r, i) {
	let a = t.parts[n]?.[String(r)];
	if (!a) return;
	let o = await gt(e, t.run, n, r, a), s = o.targets.slice(0, i).map((e) => `relevance/${e}`);
	for (let e of [
		"screen",
		"elements",
		...s
	]) o.has(e) && o.array(e).catch(() => {});
}
async function vt(e, t, n, r, i, a) {
	let o = (a) => e.blob(t, n, r, i, a), s = new TextDecoder().decode(await o(0)), c;
	try {
		c = JSON.parse(s);
	} catch {
		throw new at(`The ${n} of ${t} at timestep ${r} is damaged.`);
	}
	return ot(c.format, `The ${n} of ${t} at timestep ${r}`), new mt(c, a, o);
}
// src/view.ts
var yt = {
	run: "",
	beside: [],
	timestep: null,
	target: "",
	measure: "share",
	frames: "play",
	part: "clip",
	frame: 0,
	panels: "both",
	opacity: .9,
	map: "red-blue",
	sign: "both",
	stack: null,
	outlines: !0,
	curve: "",
	fan: !0,
	otherRun: "",
	otherTimestep: null,
	probeFrame: 0
}, bt = (e) => e !== null && /^\d+$/.test(e) ? +e : null, xt = (e, t, n) => t.includes(e) ? e : n;
function St(e) {
	let t = new URLSearchParams(e), n = (e) => t.get(e), r = Number(n("opacity") ?? yt.opacity);
	return {
		run: n("run") ?? yt.run,
		beside: t.getAll("beside"),
		timestep: bt(n("timestep")),
		target: n("target") ?? yt.target,
		measure: xt(n("measure"), ["share", "relative"], yt.measure),
		frames: xt(n("frames"), ["play", "probe"], yt.frames),
		part: xt(n("part"), it, yt.part),
		frame: bt(n("frame")) ?? 0,
		panels: xt(n("panels"), ["one", "both"], yt.panels),
		opacity: r >= 0 && r <= 1 ? r : yt.opacity,
		map: xt(n("map"), Object.keys(Pe), yt.map),
		sign: xt(n("sign"), [
			"both",
			"for",
			"against"
		], yt.sign),
		stack: bt(n("stack")),
		outlines: n("outlines") !== "false",
		curve: n("curve") ?? yt.curve,
		fan: n("fan") !== "false",
		otherRun: n("otherRun") ?? yt.otherRun,
		otherTimestep: bt(n("otherTimestep")),
		probeFrame: bt(n("probeFrame")) ?? 0
	};
}
function Ct(e) {
	let t = new URLSearchParams();
	for (let [n, r] of Object.entries(e)) Array.isArray(r) ? r.forEach((e) => t.append(n, e)) : r !== null && r !== yt[n] && t.set(n, `${r}`);
	return t.toString();
}
var wt = "p.rlmonitor.view";
function Tt() {
	try {
		return window.parent !== window && window.parent.location.href ? window.parent : null;
	} catch {
		return null;
	}
}
function Et() {
	let e = Tt();
	if (!e) return St(location.hash.slice(1));
	let t = e.location.hash.slice(1).split("&").find((e) => e.startsWith(`${wt}=`));
	return St(t ? decodeURIComponent(t.slice(17)) : "");
}
function Dt(e) {
	let t = Ct(e), n = Tt();
	if (!n) {
		history.replaceState(null, "", location.pathname + location.search + (t && `#${t}`));
		return;
	}
	let r = n.location.hash.slice(1).split("&").filter((e) => !e.startsWith(wt));
	if (r[0] !== "rlmonitor") return;
	let i = t ? [`${wt}=${encodeURIComponent(t)}`] : [];
	n.history.replaceState(n.history.state, "", `#${[...r, ...i].join("&")}`);
}
// src/hooks.ts
function Ot(e, t) {
	let [n, r] = xe(null);
	return Se(() => {
		let t = !0, n = e();
		return n || r(null), n?.then((e) => t && r({ value: e }), (e) => t && r({ error: e.message })), () => {
			t = !1;
		};
	}, t), n;
}
function kt(e, t, n, r) {
	let i = t?.parts[n]?.[String(r)];
	return Ot(() => t && i && r !== void 0 ? gt(e, t.run, n, r, i) : null, [
		e,
		t?.run,
		n,
		r,
		i
	]);
}
var At = () => window.matchMedia("(prefers-color-scheme: dark)");
function jt() {
	let e = Tt()?.document.body;
	return (e ? e.classList.contains("dark-mode") : At().matches) ? "dark" : "light";
}
function Mt() {
	let [e, t] = xe(jt);
	return z(() => {
		let e = () => t(jt()), n = At();
		n.addEventListener("change", e);
		let r = Tt()?.document.body, i = new MutationObserver(e);
		r && i.observe(r, {
			attributes: !0,
			attributeFilter: ["class"]
		});
		let a = () => t("light");
		return window.addEventListener("beforeprint", a), window.addEventListener("afterprint", e), () => {
			window.removeEventListener("beforeprint", a), window.removeEventListener("afterprint", e), n.removeEventListener("change", e), i.disconnect();
		};
	}, []), document.documentElement.dataset.theme = e, e;
}
function Nt(e, t) {
	let n = B(e);
	n.current = e, z(() => {
		if (t === null) return;
		let e = setInterval(() => !document.hidden && n.current(), t);
		return () => clearInterval(e);
	}, [t]);
}
function Pt() {
	let e = B(null), [t, n] = xe(0);
	return z(() => {
		let t = e.current;
		if (!t) return;
		let r = () => n(Math.floor(t.clientWidth));
		r();
		let i = new ResizeObserver(r);
		return i.observe(t), () => i.disconnect();
	}, []), [e, t];
}
// node_modules/preact/jsx-runtime/dist/jsxRuntime.mjs
var Ft = Symbol.for("pv"), It = 0;
Array.isArray;
function U(t, n, r, i, a, o) {
	n ||= {};
	var s, c, l = n;
	if ("ref" in l && typeof t != "function") for (c in l = {}, n) c == "ref" ? s = n[c] : l[c] = n[c];
	var u = {
		type: t,
		props: l,
		key: r,
		ref: s,
		__k: null,
		__: null,
		__b: 0,
		__e: null,
		__c: null,
		constructor: Ft,
		__v: --It,
		__i: -1,
		__u: 0
	};
	return (a || o) && (u.__source = a, u.__self = o), e.vnode && e.vnode(u), u;
}
// src/parts.tsx
function Lt(e) {
	return /* @__PURE__ */ U("section", {
		id: e.id,
		"aria-labelledby": `${e.id}-title`,
		children: [/* @__PURE__ */ U("header", { children: [/* @__PURE__ */ U("h2", {
			id: `${e.id}-title`,
			children: e.title
		}), /* @__PURE__ */ U("div", {
			class: "aside",
			children: e.aside
		})] }), /* @__PURE__ */ U(Rt, { children: e.children })]
	});
}
var Rt = class extends b {
	state = { fault: null };
	componentDidCatch(e) {
		this.setState({ fault: e.message });
	}
	render() {
		return this.state.fault === null ? this.props.children : /* @__PURE__ */ U("p", {
			class: "note",
			role: "alert",
			children: [
				"This part cannot be shown: ",
				this.state.fault,
				".",
				" ",
				/* @__PURE__ */ U("button", {
					type: "button",
					onClick: () => this.setState({ fault: null }),
					children: "Try again"
				})
			]
		});
	}
};
function W(e) {
	return /* @__PURE__ */ U("p", {
		class: "note",
		role: e.alert ? "alert" : "status",
		children: e.children
	});
}
function zt(e) {
	return e.state && "error" in e.state ? /* @__PURE__ */ U(W, {
		alert: !0,
		children: e.state.error
	}) : /* @__PURE__ */ U(W, { children: e.missing });
}
function Bt(e) {
	return /* @__PURE__ */ U("fieldset", {
		class: "choice",
		children: [/* @__PURE__ */ U("legend", { children: e.label }), e.options.map(([t, n]) => /* @__PURE__ */ U("label", { children: [/* @__PURE__ */ U("input", {
			type: "radio",
			name: e.label,
			checked: t === e.value,
			onChange: () => e.onChange(t)
		}), /* @__PURE__ */ U("span", { children: n })] }, t))]
	});
}
function Vt(e) {
	return /* @__PURE__ */ U("label", {
		class: "select",
		children: [/* @__PURE__ */ U("span", { children: e.label }), /* @__PURE__ */ U("select", {
			value: e.value,
			onChange: (t) => e.onChange(t.currentTarget.value),
			children: e.options.map(([e, t]) => /* @__PURE__ */ U("option", {
				value: e,
				children: t
			}, e))
		})]
	});
}
function Ht(e) {
	return /* @__PURE__ */ U("label", {
		class: "range",
		children: [
			/* @__PURE__ */ U("span", { children: e.label }),
			/* @__PURE__ */ U("input", {
				type: "range",
				min: 0,
				max: e.max,
				step: e.step ?? 1,
				value: e.value,
				"aria-valuetext": e.text,
				onInput: (t) => e.onChange(Number(t.currentTarget.value))
			}),
			/* @__PURE__ */ U("output", { children: e.text })
		]
	});
}
function Ut(e) {
	return /* @__PURE__ */ U("i", {
		class: "swatch",
		style: { background: e.colour },
		"aria-hidden": "true"
	});
}
function Wt(e) {
	let t = (t) => 100 * (t - e.low) / (e.high - e.low || 1), [n, r] = [t(0), t(e.value)].sort((e, t) => e - t);
	return /* @__PURE__ */ U("span", {
		class: "bar",
		"aria-hidden": "true",
		children: [/* @__PURE__ */ U("i", { style: {
			left: `${n}%`,
			width: `${Math.max(r - n, .5)}%`,
			background: e.colour
		} }), e.low < 0 && /* @__PURE__ */ U("b", { style: { left: `${t(0)}%` } })]
	});
}
// src/screen.tsx
var Gt = /* @__PURE__ */ new Set(["rest", "bricks"]);
function Kt(e) {
	let t = B(null), [n, r] = e.header.screen, i = e.zoom ?? 3, { opacity: a, map: o, sign: s, outlines: c } = e.look, l = Ce(() => Ie(o), [o]), u = Ce(() => ({
		surface: new OffscreenCanvas(r, n),
		image: new ImageData(r, n)
	}), [r, n]);
	return z(() => {
		let o = t.current?.getContext("2d");
		if (!o) return;
		let { surface: d, image: f } = u, p = e.frame * r * n, m = e.grid && a > 0 ? We(e.grid, n, r) : null, h = e.screen.subarray(p, p + r * n);
		Je(f.data, h, e.header.palette, m, {
			opacity: a,
			table: l,
			sign: s
		}), d.getContext("2d").putImageData(f, 0, 0), o.imageSmoothingEnabled = !1, o.drawImage(d, 0, 0, r * i, n * i), c && e.elements && qt(o, e, r * i, n * i);
	}, [
		e.screen,
		e.elements,
		e.grid,
		e.frame,
		a,
		l,
		s,
		c,
		i
	]), /* @__PURE__ */ U("canvas", {
		ref: t,
		class: "screen",
		width: r * i,
		height: n * i,
		role: "img",
		"aria-label": e.label
	});
}
function qt(e, t, n, r) {
	let [i, a] = t.header.grid, o = i * a, s = t.elements.subarray(t.frame * o, (t.frame + 1) * o), c = ze(t.header.elements), [l, u] = [n / a, r / i];
	e.lineWidth = 1.5, t.header.elements.forEach((t, n) => {
		if (!Gt.has(t)) {
			e.strokeStyle = c[t], e.beginPath();
			for (let [t, r, o, c] of Ye(s, i, a, n)) e.moveTo(t * l, r * u), e.lineTo(o * l, c * u);
			e.stroke();
		}
	});
}
// src/compare.tsx
function Jt(e) {
	let { view: t, change: n, index: r, round: i, source: a, indexes: o } = e, s = o.get(t.otherRun) ?? [...o.values()].find((e) => e.run !== r.run) ?? r, c = Yt(s), l = c[Qe(c, t.otherTimestep ?? (s === r ? c[0] : i.timestep) ?? 0)], u = Yt(r)[Qe(Yt(r), i.timestep)], d = kt(a, r, "probe", u), f = kt(a, s, "probe", l), p = [d, f].map((e) => e && "value" in e ? e.value : null), m = [d, f].flatMap((e) => e && "error" in e ? [e.error] : [])[0], [h, g] = p;
	return /* @__PURE__ */ U(Lt, {
		id: "compare",
		title: "Compare on the same frames",
		aside: /* @__PURE__ */ U(y, { children: [/* @__PURE__ */ U(Vt, {
			label: "with run",
			options: e.runs.map(({ name: e }) => [e, e]),
			value: s.run,
			onChange: (e) => n({
				otherRun: e,
				otherTimestep: null
			})
		}), /* @__PURE__ */ U(Vt, {
			label: "at timestep",
			options: c.map((e) => [`${e}`, V(e)]),
			value: `${l}`,
			onChange: (e) => n({
				otherRun: s.run,
				otherTimestep: Number(e)
			})
		})] }),
		children: u === void 0 || l === void 0 ? /* @__PURE__ */ U(W, { children: [u === void 0 ? r.run : s.run, " has no pictures of a fixed probe, so there are no common frames."] }) : m ? /* @__PURE__ */ U(W, {
			alert: !0,
			children: m
		}) : h && g ? /* @__PURE__ */ U(Zt, {
			...e,
			a: h,
			b: g,
			other: s
		}, h.address + g.address) : /* @__PURE__ */ U(W, { children: "Loading …" })
	});
}
var Yt = (e) => Object.keys(e.parts.probe ?? {}).map(Number).sort((e, t) => e - t), Xt = async (e, t) => ({
	screen: await e.array("screen"),
	layer: await e.layer(`relevance/${t}`)
});
function Zt(e) {
	let { a: t, b: n, view: r, change: i } = e, a = t.targets.includes(e.target) && n.targets.includes(e.target) ? e.target : t.targets.find((e) => n.targets.includes(e)), o = Ot(() => a ? Promise.all([Xt(t, a), Xt(n, a)]) : null, [
		t,
		n,
		a
	]);
	if (!a) return /* @__PURE__ */ U(W, { children: [
		"These rounds explain nothing in common: ",
		t.targets.join(", "),
		" and ",
		n.targets.join(", "),
		"."
	] });
	if (o && "error" in o) return /* @__PURE__ */ U(W, {
		alert: !0,
		children: o.error
	});
	if (!o) return /* @__PURE__ */ U(W, { children: "Loading …" });
	let [s, c] = o.value;
	if (!Qt(t.header, n.header, s.screen, c.screen)) return /* @__PURE__ */ U(W, { children: "The probes of these rounds have different frames, so their maps do not compare. Give both runs the same probe." });
	let l = t.header.frames - 1, u = Math.min(r.probeFrame, l), d = [He(s.layer, u), He(c.layer, u)], f = [`${e.index.run} at ${V(t.header.timestep)}`, `${e.other.run} at ${V(n.header.timestep)}`];
	return /* @__PURE__ */ U("div", {
		class: "pair",
		children: [/* @__PURE__ */ U("div", {
			class: "panels",
			role: "group",
			"aria-label": "Two maps and their difference",
			children: [
				[
					"A",
					f[0],
					d[0]
				],
				[
					"B",
					f[1],
					d[1]
				],
				[
					"A − B",
					"of maps with sum 1, at the full colour where it is largest",
					Xe(...d)
				]
			].map(([e, n, i]) => /* @__PURE__ */ U("figure", { children: [/* @__PURE__ */ U(Kt, {
				header: t.header,
				screen: s.screen,
				elements: null,
				grid: i,
				frame: u,
				look: r,
				label: `${e}: ${n}, ${ut(a)[1]}`,
				zoom: 2
			}), /* @__PURE__ */ U("figcaption", { children: [
				/* @__PURE__ */ U("b", { children: e }),
				" ",
				n
			] })] }, e))
		}), /* @__PURE__ */ U("div", {
			class: "facts",
			children: [
				/* @__PURE__ */ U(Ht, {
					label: "Frame",
					value: u,
					max: l,
					text: `${u + 1} / ${t.header.frames}`,
					onChange: (e) => i({ probeFrame: e })
				}),
				t.header.captions && /* @__PURE__ */ U("p", {
					class: "caption",
					children: t.header.captions[u]
				}),
				/* @__PURE__ */ U($t, {
					a: t.header,
					b: n.header,
					target: a,
					frame: u
				})
			]
		})]
	});
}
function Qt(e, t, n, r) {
	if (e.frames !== t.frames || n.length !== r.length) return !1;
	let i = (e) => e.palette.map((e) => e[0] << 16 | e[1] << 8 | e[2]), [a, o] = [i(e), i(t)];
	return n.every((e, t) => a[e] === o[r[t]]);
}
function $t(e) {
	let { a: t, b: n, target: r, frame: i } = e, [a, o] = [t.shares[r], n.shares[r]];
	if (!a || !o || !t.elements.length) return null;
	let s = ze(t.elements), c = (e) => e?.length ? e.reduce((e, t) => e + t, 0) / e.length : 0, l = (e, t) => `${e >= t ? "+" : "−"}${H(Math.abs(e - t))}`;
	return /* @__PURE__ */ U("table", {
		class: "bars",
		children: [
			/* @__PURE__ */ U("caption", { children: ["Share of the relevance: ", ut(r)[0].toLowerCase()] }),
			/* @__PURE__ */ U("thead", { children: [/* @__PURE__ */ U("tr", { children: [
				/* @__PURE__ */ U("td", {}),
				/* @__PURE__ */ U("th", {
					scope: "colgroup",
					colSpan: 3,
					children: "this frame"
				}),
				/* @__PURE__ */ U("th", {
					scope: "colgroup",
					colSpan: 3,
					children: [
						"all ",
						t.frames,
						" frames"
					]
				})
			] }), /* @__PURE__ */ U("tr", { children: [/* @__PURE__ */ U("td", {}), [0, 1].flatMap((e) => [
				"A",
				"B",
				"A − B"
			].map((t) => /* @__PURE__ */ U("th", {
				scope: "col",
				children: t
			}, `${e}${t}`)))] })] }),
			/* @__PURE__ */ U("tbody", { children: t.elements.map((e) => {
				let [t, n] = [a[e]?.[i] ?? 0, o[e]?.[i] ?? 0], [r, u] = [c(a[e]), c(o[e])];
				return /* @__PURE__ */ U("tr", { children: [/* @__PURE__ */ U("th", {
					scope: "row",
					children: [/* @__PURE__ */ U(Ut, { colour: s[e] }), e]
				}), [
					H(t),
					H(n),
					l(t, n),
					H(r),
					H(u),
					l(r, u)
				].map((e, t) => /* @__PURE__ */ U("td", {
					class: "number",
					children: e
				}, t))] }, e);
			}) })
		]
	});
}
// src/player.tsx
var en = {
	clip: "Clip of its play",
	probe: "Fixed probe",
	play: "Spread over its play"
};
function tn(e) {
	let { view: t, change: n, index: r, round: i } = e, a = Object.keys(en).filter((e) => Object.keys(r.parts[e] ?? {}).length), o = a.includes(t.part) ? t.part : a[0] ?? "clip", s = kt(e.source, r, o, i.timestep), c = s && "value" in s && s.value.header.timestep === i.timestep ? s.value : null, l = !r.parts[o]?.[String(i.timestep)] || s && "error" in s;
	return z(() => {
		l && e.settled();
	}, [l]), /* @__PURE__ */ U(Lt, {
		id: "player",
		title: `Round at ${V(i.timestep)} timesteps`,
		aside: /* @__PURE__ */ U(Bt, {
			label: "Show",
			options: a.map((e) => [e, en[e]]),
			value: o,
			onChange: (e) => n({
				part: e,
				frame: 0
			})
		}),
		children: c ? /* @__PURE__ */ U(K, {
			...e,
			picture: c
		}, c.address) : /* @__PURE__ */ U(nn, {
			...e,
			part: o,
			state: s
		})
	});
}
function nn(e) {
	let t = Object.keys(e.index.parts[e.part] ?? {}).map(Number);
	if (t.includes(e.round.timestep)) return /* @__PURE__ */ U(zt, {
		state: e.state,
		missing: "Loading …"
	});
	let n = t[Qe(t, e.round.timestep)];
	return n === void 0 ? /* @__PURE__ */ U(W, { children: "This run has no pictures: its event file holds numbers only, or ends before the first picture." }) : /* @__PURE__ */ U(W, { children: [
		"There are no pictures of this round;",
		` ${t.length} of ${e.index.timesteps.length} rounds have some here.`,
		" ",
		/* @__PURE__ */ U("button", {
			type: "button",
			onClick: () => e.change({ timestep: n }),
			children: ["Go to the nearest one, at ", V(n)]
		})
	] });
}
var G = {
	clip: 70,
	probe: 350,
	play: 350
};
function K(e) {
	let { view: t, change: n, picture: r } = e, { header: i } = r, [a, o] = xe(!1), s = i.frames - 1, c = Math.min(t.frame, s), l = r.targets, u = t.panels === "both" ? l.slice(0, 2) : [l.includes(e.target) ? e.target : l[0]], d = t.stack !== null && u.some((e) => r.has(`stack/${e}`)) ? t.stack : null, f = an(r, u, d !== null), p = "value" in f || f.error !== null || i.frames === 0;
	z(() => {
		p && e.settled();
	}, [p]);
	let m = (e) => n({ frame: Math.min(Math.max(e, 0), s) }), h = B({
		frame: c,
		last: s
	});
	h.current = {
		frame: c,
		last: s
	}, z(() => {
		if (!a) return;
		let e = setInterval(() => {
			let e = h.current;
			n({ frame: e.frame >= e.last ? 0 : e.frame + 1 });
		}, G[i.part]);
		return () => clearInterval(e);
	}, [a]), on((e) => {
		if (e === " ") o((e) => !e);
		else if (e === "ArrowLeft") m(h.current.frame - 1);
		else if (e === "ArrowRight") m(h.current.frame + 1);
		else if (e === "Home") m(0);
		else if (e === "End") m(s);
		else return !1;
		return !0;
	});
	let g = sn(i, c);
	return i.frames === 0 ? /* @__PURE__ */ U(W, { children: "This round has a clip without frames." }) : /* @__PURE__ */ U("div", {
		class: "player",
		role: "group",
		"aria-label": "Clip: space plays, arrow keys step",
		children: [/* @__PURE__ */ U("div", {
			class: "stage",
			children: [
				/* @__PURE__ */ U("div", {
					class: "panels",
					tabIndex: 0,
					"aria-label": `Frame ${c + 1} of ${i.frames}. ${g}`,
					children: u.map((e) => /* @__PURE__ */ U("figure", { children: ["value" in f ? /* @__PURE__ */ U(Kt, {
						header: i,
						screen: f.value.screen,
						elements: f.value.elements,
						grid: rn(f.value.layers[e], c, d),
						frame: c,
						look: t,
						label: `Screen with the relevance for ${ut(e, i.logits)[1]}, frame ${c + 1}`
					}) : /* @__PURE__ */ U("div", {
						class: "screen empty",
						style: { aspectRatio: `${i.screen[1]} / ${i.screen[0]}` },
						children: f.error ?? "Loading …"
					}), /* @__PURE__ */ U("figcaption", { children: [
						/* @__PURE__ */ U("b", { children: ut(e, i.logits)[0] }),
						" ",
						ut(e, i.logits)[1]
					] })] }, e))
				}),
				/* @__PURE__ */ U("div", {
					class: "transport",
					children: [
						/* @__PURE__ */ U("button", {
							type: "button",
							class: "play",
							"aria-label": a ? "Pause" : "Play",
							"aria-pressed": a,
							onClick: () => o(!a),
							children: a ? "❚❚" : "▶"
						}),
						/* @__PURE__ */ U("button", {
							type: "button",
							"aria-label": "Frame before",
							onClick: () => m(c - 1),
							children: "‹"
						}),
						/* @__PURE__ */ U("button", {
							type: "button",
							"aria-label": "Next frame",
							onClick: () => m(c + 1),
							children: "›"
						}),
						/* @__PURE__ */ U(Ht, {
							label: "Frame",
							value: c,
							max: s,
							text: `${c + 1} / ${i.frames}`,
							onChange: m
						})
					]
				}),
				/* @__PURE__ */ U("p", {
					class: "caption",
					"aria-live": a ? "off" : "polite",
					children: g
				})
			]
		}), /* @__PURE__ */ U("div", {
			class: "facts",
			children: [
				/* @__PURE__ */ U(q, {
					...e,
					picture: r,
					stack: d
				}),
				/* @__PURE__ */ U(cn, {
					header: i,
					frame: c
				}),
				/* @__PURE__ */ U(ln, {
					header: i,
					frame: c,
					targets: l
				})
			]
		})]
	});
}
function rn(e, t, n) {
	return e ? He(e, t, e.shape.length > 3 ? Math.min(n ?? 0, e.shape[1] - 1) : 0) : null;
}
function an(e, t, n) {
	let r = t.map((t) => (n && e.has(`stack/${t}`) ? "stack/" : "relevance/") + t), i = Ot(async () => {
		let [n, i, ...a] = await Promise.all([
			e.array("screen"),
			e.has("elements") ? e.array("elements") : null,
			...r.map((t) => e.layer(t))
		]);
		return {
			screen: n,
			elements: i,
			layers: Object.fromEntries(t.map((e, t) => [e, a[t]]))
		};
	}, [e, r.join()]);
	return i && "value" in i ? i : { error: i ? i.error : null };
}
function on(e) {
	let t = B(e);
	t.current = e, z(() => {
		let e = (e) => {
			e.target.closest?.("input, select, button, summary, [role=slider], [role=listbox]") || e.ctrlKey || e.metaKey || e.altKey || t.current(e.key) && e.preventDefault();
		};
		return window.addEventListener("keydown", e), () => window.removeEventListener("keydown", e);
	}, []);
}
function sn(e, t) {
	let n = e.outputs[t] ?? [], r = n.indexOf(Math.max(...n)), i = e.action[t], a = i !== void 0 && i !== r && e.part !== "probe";
	return [
		e.captions?.[t],
		`score ${ct(e.score[t] ?? 0)}`,
		`greedy ${e.actions[r] ?? "–"}`,
		a ? `explored ${e.actions[i]}` : null
	].filter(Boolean).join(" · ");
}
function q(e) {
	let { view: t, change: n, picture: r } = e, i = r.header.arrays.find((e) => e.name.startsWith("stack/"))?.shape[1] ?? 0, a = [
		["both", "Both"],
		["for", "For"],
		["against", "Against"]
	], o = Array.from({ length: i }, (e, t) => [`${t}`, t === i - 1 ? "t" : `t−${i - 1 - t}`]);
	return /* @__PURE__ */ U("div", {
		class: "looks",
		children: [
			/* @__PURE__ */ U(Ht, {
				label: "Overlay",
				value: t.opacity,
				max: 1,
				step: .05,
				text: `${Math.round(100 * t.opacity)} %`,
				onChange: (e) => n({ opacity: e })
			}),
			/* @__PURE__ */ U(Bt, {
				label: "Sign",
				options: a,
				value: t.sign,
				onChange: (e) => n({ sign: e })
			}),
			r.targets.length > 1 && /* @__PURE__ */ U(Bt, {
				label: "Panels",
				options: [["both", "Both questions"], ["one", "One"]],
				value: t.panels,
				onChange: (e) => n({ panels: e })
			}),
			i > 0 && /* @__PURE__ */ U(Bt, {
				label: "Stack",
				options: [["all", "All"], ...o],
				value: e.stack === null ? "all" : `${e.stack}`,
				onChange: (e) => n({ stack: e === "all" ? null : Number(e) })
			}),
			/* @__PURE__ */ U(Vt, {
				label: "Colours",
				options: Object.entries(Pe).map(([e, t]) => [e, t.name]),
				value: t.map,
				onChange: (e) => n({ map: e })
			}),
			/* @__PURE__ */ U("label", {
				class: "check",
				children: [/* @__PURE__ */ U("input", {
					type: "checkbox",
					checked: t.outlines,
					onChange: (e) => n({ outlines: e.currentTarget.checked })
				}), "Outlines"]
			})
		]
	});
}
function cn(e) {
	let { header: t, frame: n } = e, r = t.outputs[n] ?? [], i = r.reduce((e, t) => e + t, 0) / (r.length || 1), a = Math.max(...t.outputs.flatMap((e) => {
		let t = e.reduce((e, t) => e + t, 0) / (e.length || 1);
		return e.map((e) => Math.abs(e - t));
	}), 1e-9), o = t.logits ? "Logit" : "Q-value", s = r.indexOf(Math.max(...r));
	return /* @__PURE__ */ U("table", {
		class: "bars",
		children: [/* @__PURE__ */ U("caption", { children: [o, "s; bars: less their mean"] }), /* @__PURE__ */ U("tbody", { children: r.map((e, r) => /* @__PURE__ */ U("tr", {
			class: r === s ? "strong" : "",
			children: [
				/* @__PURE__ */ U("th", {
					scope: "row",
					children: [
						t.actions[r],
						r === s && /* @__PURE__ */ U("abbr", {
							title: "greedy",
							children: " ●"
						}),
						r === t.action[n] && r !== s && t.part !== "probe" && /* @__PURE__ */ U("abbr", {
							title: "taken",
							children: " ○"
						})
					]
				}),
				/* @__PURE__ */ U("td", {
					class: "number",
					children: ct(e)
				}),
				/* @__PURE__ */ U("td", { children: /* @__PURE__ */ U(Wt, {
					value: e - i,
					low: -a,
					high: a,
					colour: e >= i ? "var(--pro)" : "var(--contra)"
				}) }),
				/* @__PURE__ */ U("td", {
					class: "number",
					children: [e - i >= 0 ? "+" : "", ct(e - i)]
				})
			]
		}, r)) })]
	});
}
function ln(e) {
	let { header: t, frame: n } = e, r = e.targets.filter((e) => t.shares[e] && Object.keys(t.shares[e]).length), i = ze(t.elements), a = r.filter((e) => (t.frame_share[e]?.[n]?.length ?? 0) > 1);
	return /* @__PURE__ */ U(y, { children: [r.length > 0 && /* @__PURE__ */ U("table", {
		class: "bars",
		children: [
			/* @__PURE__ */ U("caption", { children: "Share of the relevance in this frame" }),
			/* @__PURE__ */ U("thead", { children: /* @__PURE__ */ U("tr", { children: [/* @__PURE__ */ U("td", {}), r.map((e) => /* @__PURE__ */ U("th", {
				scope: "col",
				colSpan: 2,
				children: ut(e, t.logits)[0]
			}, e))] }) }),
			/* @__PURE__ */ U("tbody", { children: t.elements.map((e) => /* @__PURE__ */ U("tr", { children: [/* @__PURE__ */ U("th", {
				scope: "row",
				children: [/* @__PURE__ */ U(Ut, { colour: i[e] }), e]
			}), r.map((r) => {
				let a = t.shares[r][e]?.[n] ?? 0;
				return [/* @__PURE__ */ U("td", { children: /* @__PURE__ */ U(Wt, {
					value: a,
					low: 0,
					high: 1,
					colour: i[e]
				}) }, "bar"), /* @__PURE__ */ U("td", {
					class: "number",
					children: H(a)
				}, "number")];
			})] }, e)) })
		]
	}), a.length > 0 && /* @__PURE__ */ U("p", {
		class: "small",
		children: [
			"Frames of the stack, oldest first:",
			" ",
			a.map((e) => `${ut(e, t.logits)[0].toLowerCase()} ${t.frame_share[e][n].map(H).join(", ")}`).join(" · ")
		]
	})] });
}
// src/trust.ts
var un = [
	{
		name: "pixel_flipping",
		title: "Pixel flipping",
		meaning: "removing what has most relevance changes the value more than removing at random",
		green: .02,
		amber: 0,
		small: !1
	},
	{
		name: "rule_agreement",
		title: "Agreement of rules",
		meaning: "cosine with the map of another composite",
		green: .5,
		amber: .2,
		small: !1
	},
	{
		name: "causal_agreement",
		title: "Agreement with effects",
		meaning: "rank agreement of relevance and of what changes without the element",
		green: .3,
		amber: 0,
		small: !1
	},
	{
		name: "random_network",
		title: "Likeness to an untrained network",
		meaning: "mean |cosine| with its maps; near 1 they show the game, not what was learnt",
		green: .5,
		amber: .8,
		small: !0
	},
	{
		name: "conservation_error",
		title: "Conservation error",
		meaning: "map and absorbed relevance against the explained value; rounding only",
		green: .001,
		amber: .01,
		small: !0
	}
];
function dn(e, t) {
	if (t == null) return {
		measure: e,
		value: null,
		light: "grey"
	};
	let n = (n) => e.small ? t <= n : t >= n;
	return {
		measure: e,
		value: t,
		light: n(e.green) ? "green" : n(e.amber) ? "amber" : "red"
	};
}
function fn(e) {
	let t = un.map((t) => dn(t, e?.[t.name])), n = (e) => t.filter((t) => t.light === e).map((e) => e.measure.title.toLowerCase()).join(", ");
	return t.filter((e) => e.light !== "grey").some((e) => e.measure.name !== "conservation_error") ? n("red") ? {
		light: "red",
		judged: t,
		sentence: `Do not read these maps: ${n("red")} is out of bounds.`
	} : n("amber") ? {
		light: "amber",
		judged: t,
		sentence: `Read with care: weak in ${n("amber")}.`
	} : {
		light: "green",
		judged: t,
		sentence: "These maps may be read: every measure is within its bounds."
	} : {
		light: "grey",
		judged: t,
		sentence: "Not measured: too few frames to say whether these maps may be believed."
	};
}
// src/sections.tsx
var pn = {
	green: "●",
	amber: "▲",
	red: "■",
	grey: "○"
};
function mn(e) {
	return /* @__PURE__ */ U("span", {
		class: `light ${e.light}`,
		role: "img",
		"aria-label": e.light,
		children: pn[e.light]
	});
}
function hn(e) {
	let { index: t, change: n, round: r } = e, i = [...t.events].sort((e, t) => t.timestep - e.timestep), a = (e) => {
		let r = t.timesteps[Qe(t.timesteps, e)];
		r !== void 0 && n({
			timestep: r,
			frame: 0
		}), document.getElementById("player")?.scrollIntoView({ block: "nearest" });
	};
	return /* @__PURE__ */ U(Lt, {
		id: "events",
		title: "Events",
		aside: /* @__PURE__ */ U("span", {
			class: "small",
			children: [i.length || "none", " so far"]
		}),
		children: [!i.length && /* @__PURE__ */ U(W, { children: "Nothing has begun or gone wrong so far: no onset, shift, shortcut, collapse, exploit or fault." }), /* @__PURE__ */ U("ol", {
			class: "events",
			tabIndex: i.length > 6 ? 0 : -1,
			"aria-label": "Events, the latest first",
			children: i.map((e, t) => /* @__PURE__ */ U("li", {
				class: e.timestep === r.timestep ? "current" : "",
				children: [
					/* @__PURE__ */ U("button", {
						type: "button",
						class: "link",
						onClick: () => a(e.timestep),
						"aria-label": `Go to timestep ${V(e.timestep)}`,
						children: V(e.timestep)
					}),
					/* @__PURE__ */ U("span", {
						class: `kind ${e.kind}`,
						children: e.kind
					}),
					/* @__PURE__ */ U("span", { children: [e.text, /* @__PURE__ */ U(gn, { evidence: e.evidence })] })
				]
			}, `${e.timestep}${e.kind}${t}`))
		})]
	});
}
function gn(e) {
	let t = Object.entries(e.evidence);
	return t.length ? /* @__PURE__ */ U("dl", {
		class: "evidence",
		children: t.map(([e, t]) => /* @__PURE__ */ U("div", { children: [/* @__PURE__ */ U("dt", { children: e }), /* @__PURE__ */ U("dd", { children: ct(t) })] }, e))
	}) : null;
}
function _n(e, t, n) {
	let r = e.rounds[t]?.trust?.[n];
	if (r && Object.keys(r).length) return fn(r);
	let i = Object.entries(e.values).flatMap(([e, n]) => {
		let r = n[t];
		return e.startsWith("faithfulness/") && r != null ? [[e.slice(13), r]] : [];
	});
	return fn(Object.fromEntries(i));
}
function vn(e) {
	let t = Object.keys(e.round.targets), n = t.map((t) => _n(e.index, e.at, t));
	return /* @__PURE__ */ U(Lt, {
		id: "trust",
		title: "May these maps be believed?",
		children: [t.map((e, t) => /* @__PURE__ */ U("p", { children: [
			/* @__PURE__ */ U(mn, { light: n[t].light }),
			" ",
			/* @__PURE__ */ U("b", { children: [ut(e)[0], ":"] }),
			" ",
			n[t].sentence
		] }, e)), /* @__PURE__ */ U("table", {
			class: "bars trust",
			children: [/* @__PURE__ */ U("thead", { children: /* @__PURE__ */ U("tr", { children: [
				/* @__PURE__ */ U("td", {}),
				t.map((e) => /* @__PURE__ */ U("th", {
					scope: "col",
					children: ut(e)[0]
				}, e)),
				/* @__PURE__ */ U("th", {
					scope: "col",
					children: "green"
				}),
				/* @__PURE__ */ U("th", {
					scope: "col",
					children: "amber"
				})
			] }) }), /* @__PURE__ */ U("tbody", { children: un.map((e, r) => /* @__PURE__ */ U("tr", { children: [
				/* @__PURE__ */ U("th", {
					scope: "row",
					children: [e.title, /* @__PURE__ */ U("span", {
						class: "small",
						children: e.meaning
					})]
				}),
				n.map((e, n) => /* @__PURE__ */ U("td", {
					class: "number",
					children: [
						e.judged[r].value === null ? "–" : ct(e.judged[r].value),
						" ",
						/* @__PURE__ */ U(mn, { light: e.judged[r].light })
					]
				}, t[n])),
				/* @__PURE__ */ U("td", {
					class: "number small",
					children: [
						e.small ? "≤" : "≥",
						" ",
						e.green
					]
				}),
				/* @__PURE__ */ U("td", {
					class: "number small",
					children: [
						e.small ? "≤" : "≥",
						" ",
						e.amber
					]
				})
			] }, e.name)) })]
		})]
	});
}
function yn(e, t) {
	return e.rounds.slice(0, t + 1).findLast((e) => e.how)?.how;
}
var bn = {
	composite: "LRP composite",
	env_id: "Environment",
	seed: "Seed of the monitor",
	n_frames: "Frames of the statistics",
	clip_frames: "Frames of the clip",
	spacing: "Steps played for each frame",
	epsilon: "Chance of a random action",
	probe: "Probe",
	versions: "Versions"
}, xn = (e) => e == null || e === "" ? "none" : typeof e == "object" ? Object.entries(e).map(([e, t]) => `${e} ${t}`).join(", ") : String(e);
function Sn(e) {
	let t = yn(e.index, e.at), n = Object.entries(e.round.targets), r = new Set(e.index.rounds.flatMap((e) => e.how ? [xn(e.how.composite)] : []));
	return /* @__PURE__ */ U(Lt, {
		id: "how",
		title: "How it was made",
		children: [
			/* @__PURE__ */ U("dl", {
				class: "how",
				children: [/* @__PURE__ */ U("div", { children: [/* @__PURE__ */ U("dt", { children: "Explained" }), /* @__PURE__ */ U("dd", { children: n.map(([e, t]) => `${ut(e)[1]} (${t}/…)`).join(" and ") || "–" })] }), Object.entries(t ?? {}).map(([e, t]) => /* @__PURE__ */ U("div", { children: [/* @__PURE__ */ U("dt", { children: bn[e] ?? e.replaceAll("_", " ") }), /* @__PURE__ */ U("dd", { children: xn(t) })] }, e))]
			}),
			!t && /* @__PURE__ */ U(W, { children: "These rounds do not say how they were made." }),
			r.size > 1 && /* @__PURE__ */ U(W, {
				alert: !0,
				children: [
					"The composite changes within this run (",
					[...r].join(", "),
					"): never compare across composites."
				]
			})
		]
	});
}
// node_modules/uplot/dist/uPlot.esm.js
var Cn = !0, wn = "uplot", Tn = "u-hz", En = "u-vt", Dn = "u-title", On = "u-wrap", kn = "u-under", An = "u-over", jn = "u-axis", Mn = "u-off", Nn = "u-select", Pn = "u-cursor-x", Fn = "u-cursor-y", In = "u-cursor-pt", Ln = "u-legend", Rn = "u-live", zn = "u-inline", Bn = "u-series", Vn = "u-marker", Hn = "u-label", Un = "u-value", Wn = "width", Gn = "height", Kn = "top", qn = "bottom", Jn = "left", Yn = "right", Xn = "#000", Zn = "#0000", Qn = "mousemove", $n = "mousedown", er = "mouseup", tr = "mouseenter", nr = "mouseleave", rr = "dblclick", ir = "resize", ar = "scroll", or = "change", sr = "dppxchange", cr = "--", lr = typeof window < "u", ur = lr ? document : null, dr = lr ? window : null, fr = lr ? navigator : null, J, pr;
function mr() {
	let e = devicePixelRatio;
	J != e && (J = e, pr && Or(or, pr, mr), pr = matchMedia(`(min-resolution: ${J - .001}dppx) and (max-resolution: ${J + .001}dppx)`), Dr(or, pr, mr), dr.dispatchEvent(new CustomEvent(sr)));
}
function hr(e, t) {
	if (t != null) {
		let n = e.classList;
		!n.contains(t) && n.add(t);
	}
}
function gr(e, t) {
	let n = e.classList;
	n.contains(t) && n.remove(t);
}
function Y(e, t, n) {
	e.style[t] = n + "px";
}
function _r(e, t, n, r) {
	let i = ur.createElement(e);
	return t != null && hr(i, t), n?.insertBefore(i, r), i;
}
function vr(e, t) {
	return _r("div", e, t);
}
var yr = /* @__PURE__ */ new WeakMap();
function br(e, t, n, r, i) {
	let a = "translate(" + t + "px," + n + "px)";
	a != yr.get(e) && (e.style.transform = a, yr.set(e, a), t < 0 || n < 0 || t > r || n > i ? hr(e, Mn) : gr(e, Mn));
}
var xr = /* @__PURE__ */ new WeakMap();
function Sr(e, t, n) {
	let r = t + n;
	r != xr.get(e) && (xr.set(e, r), e.style.background = t, e.style.borderColor = n);
}
var Cr = /* @__PURE__ */ new WeakMap();
function wr(e, t, n, r) {
	let i = t + "" + n;
	i != Cr.get(e) && (Cr.set(e, i), e.style.height = n + "px", e.style.width = t + "px", e.style.marginLeft = r ? -t / 2 + "px" : 0, e.style.marginTop = r ? -n / 2 + "px" : 0);
}
var Tr = { passive: !0 }, Er = {
	...Tr,
	capture: !0
};
function Dr(e, t, n, r) {
	t.addEventListener(e, n, r ? Er : Tr);
}
function Or(e, t, n, r) {
	t.removeEventListener(e, n, Tr);
}
lr && mr();
function kr(e, t, n, r) {
	let i;
	n ||= 0, r ||= t.length - 1;
	let a = r <= 2147483647;
	for (; r - n > 1;) i = a ? n + r >> 1 : Xr((n + r) / 2), t[i] < e ? n = i : r = i;
	return e - t[n] <= t[r] - e ? n : r;
}
function Ar(e) {
	return (t, n, r) => {
		let i = -1, a = -1;
		for (let a = n; a <= r; a++) if (e(t[a])) {
			i = a;
			break;
		}
		for (let i = r; i >= n; i--) if (e(t[i])) {
			a = i;
			break;
		}
		return [i, a];
	};
}
var jr = (e) => e != null, Mr = (e) => e != null && e > 0, Nr = Ar(jr), Pr = Ar(Mr);
function Fr(e, t, n, r = 0, i = !1) {
	let a = i ? Pr : Nr, o = i ? Mr : jr;
	[t, n] = a(e, t, n);
	let s = e[t], c = e[t];
	if (t > -1) {
		if (r == 1) s = e[t], c = e[n];
		else if (r == -1) s = e[n], c = e[t];
		else for (let r = t; r <= n; r++) {
			let t = e[r];
			o(t) && (t < s ? s = t : t > c && (c = t));
		}
	}
	return [s ?? si, c ?? -si];
}
function Ir(e, t, n, r) {
	let i = ni(e), a = ni(t);
	e == t && (i == -1 ? (e *= n, t /= n) : (e /= n, t *= n));
	let o = n == 10 ? ri : ii, s = i == 1 ? Xr : Qr, c = a == 1 ? Qr : Xr, l = s(o(Yr(e))), u = c(o(Yr(t))), d = ti(n, l), f = ti(n, u);
	return n == 10 && (l < 0 && (d = Q(d, -l)), u < 0 && (f = Q(f, -u))), r || n == 2 ? (e = d * i, t = f * a) : (e = xi(e, d), t = bi(t, f)), [e, t];
}
function Lr(e, t, n, r) {
	let i = Ir(e, t, n, r);
	return e == 0 && (i[0] = 0), t == 0 && (i[1] = 0), i;
}
var Rr = .1, zr = {
	mode: 3,
	pad: Rr
}, Br = {
	pad: 0,
	soft: null,
	mode: 0
}, Vr = {
	min: Br,
	max: Br
};
function Hr(e, t, n, r) {
	return Mi(n) ? Wr(e, t, n) : (Br.pad = n, Br.soft = r ? 0 : null, Br.mode = r ? 3 : 0, Wr(e, t, Vr));
}
function X(e, t) {
	return e ?? t;
}
function Ur(e, t, n) {
	for (t = X(t, 0), n = X(n, e.length - 1); t <= n;) {
		if (e[t] != null) return !0;
		t++;
	}
	return !1;
}
function Wr(e, t, n) {
	let r = n.min, i = n.max, a = X(r.pad, 0), o = X(i.pad, 0), s = X(r.hard, -si), c = X(i.hard, si), l = X(r.soft, si), u = X(i.soft, -si), d = X(r.mode, 0), f = X(i.mode, 0), p = t - e, m = ri(p), h = ei(Yr(e), Yr(t)), g = Yr(ri(h) - m);
	(p < 1e-24 || g > 10) && (p = 0, (e == 0 || t == 0) && (p = 1e-24, d == 2 && l != si && (a = 0), f == 2 && u != -si && (o = 0)));
	let _ = p || h || 1e3, v = ti(10, Xr(ri(_))), y = Q(xi(e - _ * (p == 0 ? e == 0 ? .1 : 1 : a), v / 10), 24), b = e >= l && (d == 1 || d == 3 && y <= l || d == 2 && y >= l) ? l : si, x = ei(s, y < b && e >= b ? b : $r(b, y)), S = Q(bi(t + _ * (p == 0 ? t == 0 ? .1 : 1 : o), v / 10), 24), C = t <= u && (f == 1 || f == 3 && S >= u || f == 2 && S <= u) ? u : -si, w = $r(c, S > C && t <= C ? C : ei(C, S));
	return x == w && x == 0 && (w = 100), [x, w];
}
var Gr = new Intl.NumberFormat(lr ? fr.language : "en-US"), Kr = (e) => Gr.format(e), qr = Math, Jr = qr.PI, Yr = qr.abs, Xr = qr.floor, Zr = qr.round, Qr = qr.ceil, $r = qr.min, ei = qr.max, ti = qr.pow, ni = qr.sign, ri = qr.log10, ii = qr.log2, ai = (e, t = 1) => qr.sinh(e) * t, oi = (e, t = 1) => qr.asinh(e / t), si = Infinity;
function ci(e) {
	return (ri((e ^ e >> 31) - (e >> 31)) | 0) + 1;
}
function li(e, t, n) {
	return $r(ei(e, t), n);
}
function ui(e) {
	return typeof e == "function";
}
function Z(e) {
	return ui(e) ? e : () => e;
}
var di = () => {}, fi = (e) => e, pi = (e, t) => t, mi = (e) => null, hi = (e) => !0, gi = (e, t) => e == t, _i = /\.\d*?(?=9{6,}|0{6,})/gm, vi = (e) => {
	if (ki(e) || Si.has(e)) return e;
	let t = `${e}`, n = t.match(_i);
	if (n == null) return e;
	let r = n[0].length - 1;
	if (t.indexOf("e-") != -1) {
		let [e, n] = t.split("e");
		return +`${vi(e)}e${n}`;
	}
	return Q(e, r);
};
function yi(e, t) {
	return vi(Q(vi(e / t)) * t);
}
function bi(e, t) {
	return vi(Qr(vi(e / t)) * t);
}
function xi(e, t) {
	return vi(Xr(vi(e / t)) * t);
}
function Q(e, t = 0) {
	if (ki(e)) return e;
	let n = 10 ** t;
	return Zr(e * n * (1 + 2 ** -52)) / n;
}
var Si = /* @__PURE__ */ new Map();
function Ci(e) {
	return (("" + e).split(".")[1] || "").length;
}
function wi(e, t, n, r) {
	let i = [], a = r.map(Ci);
	for (let o = t; o < n; o++) {
		let t = Yr(o), n = Q(ti(e, o), t);
		for (let s = 0; s < r.length; s++) {
			let c = e == 10 ? +`${r[s]}e${o}` : r[s] * n, l = (o >= 0 ? 0 : t) + (o >= a[s] ? 0 : a[s]), u = e == 10 ? c : Q(c, l);
			i.push(u), Si.set(u, l);
		}
	}
	return i;
}
var Ti = {}, Ei = [], Di = [null, null], Oi = Array.isArray, ki = Number.isInteger, Ai = (e) => e === void 0;
function ji(e) {
	return typeof e == "string";
}
function Mi(e) {
	let t = !1;
	if (e != null) {
		let n = e.constructor;
		t = n == null || n == Object;
	}
	return t;
}
function Ni(e) {
	return typeof e == "object" && !!e;
}
var Pi = Object.getPrototypeOf(Uint8Array), Fi = "__proto__";
function Ii(e, t = Mi) {
	let n;
	if (Oi(e)) {
		let r = e.find((e) => e != null);
		if (Oi(r) || t(r)) {
			n = Array(e.length);
			for (let r = 0; r < e.length; r++) n[r] = Ii(e[r], t);
		} else n = e.slice();
	} else if (e instanceof Pi) n = e.slice();
	else if (t(e)) {
		n = {};
		for (let r in e) r != Fi && (n[r] = Ii(e[r], t));
	} else n = e;
	return n;
}
function Li(e) {
	let t = arguments;
	for (let n = 1; n < t.length; n++) {
		let r = t[n];
		for (let t in r) t != Fi && (Mi(e[t]) ? Li(e[t], Ii(r[t])) : e[t] = Ii(r[t]));
	}
	return e;
}
var Ri = 0, zi = 1, Bi = 2;
function Vi(e, t, n) {
	for (let r = 0, i, a = -1; r < t.length; r++) {
		let o = t[r];
		if (o > a) {
			for (i = o - 1; i >= 0 && e[i] == null;) e[i--] = null;
			for (i = o + 1; i < n && e[i] == null;) e[a = i++] = null;
		}
	}
}
function Hi(e, t) {
	if (Gi(e)) {
		let t = e[0].slice();
		for (let n = 1; n < e.length; n++) t.push(...e[n].slice(1));
		return Ki(t[0]) || (t = Wi(t)), t;
	}
	let n = /* @__PURE__ */ new Set();
	for (let t = 0; t < e.length; t++) {
		let r = e[t][0], i = r.length;
		for (let e = 0; e < i; e++) n.add(r[e]);
	}
	let r = [Array.from(n).sort((e, t) => e - t)], i = r[0].length, a = /* @__PURE__ */ new Map();
	for (let e = 0; e < i; e++) a.set(r[0][e], e);
	for (let n = 0; n < e.length; n++) {
		let o = e[n], s = o[0];
		for (let e = 1; e < o.length; e++) {
			let c = o[e], l = Array(i).fill(void 0), u = t ? t[n][e] : zi, d = [];
			for (let e = 0; e < c.length; e++) {
				let t = c[e], n = a.get(s[e]);
				t === null ? u != Ri && (l[n] = t, u == Bi && d.push(n)) : l[n] = t;
			}
			Vi(l, d, i), r.push(l);
		}
	}
	return r;
}
var Ui = typeof queueMicrotask > "u" ? (e) => Promise.resolve().then(e) : queueMicrotask;
function Wi(e) {
	let t = e[0], n = t.length, r = Array(n);
	for (let e = 0; e < r.length; e++) r[e] = e;
	r.sort((e, n) => t[e] - t[n]);
	let i = [];
	for (let t = 0; t < e.length; t++) {
		let a = e[t], o = Array(n);
		for (let e = 0; e < n; e++) o[e] = a[r[e]];
		i.push(o);
	}
	return i;
}
function Gi(e) {
	let t = e[0][0], n = t.length;
	for (let r = 1; r < e.length; r++) {
		let i = e[r][0];
		if (i.length != n) return !1;
		if (i != t) {
			for (let e = 0; e < n; e++) if (i[e] != t[e]) return !1;
		}
	}
	return !0;
}
function Ki(e, t = 100) {
	let n = e.length;
	if (n <= 1) return !0;
	let r = 0, i = n - 1;
	for (; r <= i && e[r] == null;) r++;
	for (; i >= r && e[i] == null;) i--;
	if (i <= r) return !0;
	let a = ei(1, Xr((i - r + 1) / t));
	for (let t = e[r], n = r + a; n <= i; n += a) {
		let r = e[n];
		if (r != null) {
			if (r <= t) return !1;
			t = r;
		}
	}
	return !0;
}
var qi = [
	"January",
	"February",
	"March",
	"April",
	"May",
	"June",
	"July",
	"August",
	"September",
	"October",
	"November",
	"December"
], Ji = [
	"Sunday",
	"Monday",
	"Tuesday",
	"Wednesday",
	"Thursday",
	"Friday",
	"Saturday"
];
function Yi(e) {
	return e.slice(0, 3);
}
var Xi = Ji.map(Yi), Zi = {
	MMMM: qi,
	MMM: qi.map(Yi),
	WWWW: Ji,
	WWW: Xi
};
function Qi(e) {
	return (e < 10 ? "0" : "") + e;
}
function $i(e) {
	return (e < 10 ? "00" : e < 100 ? "0" : "") + e;
}
var ea = {
	YYYY: (e) => e.getFullYear(),
	YY: (e) => (e.getFullYear() + "").slice(2),
	MMMM: (e, t) => t.MMMM[e.getMonth()],
	MMM: (e, t) => t.MMM[e.getMonth()],
	MM: (e) => Qi(e.getMonth() + 1),
	M: (e) => e.getMonth() + 1,
	DD: (e) => Qi(e.getDate()),
	D: (e) => e.getDate(),
	WWWW: (e, t) => t.WWWW[e.getDay()],
	WWW: (e, t) => t.WWW[e.getDay()],
	HH: (e) => Qi(e.getHours()),
	H: (e) => e.getHours(),
	h: (e) => {
		let t = e.getHours();
		return t == 0 ? 12 : t > 12 ? t - 12 : t;
	},
	AA: (e) => e.getHours() >= 12 ? "PM" : "AM",
	aa: (e) => e.getHours() >= 12 ? "pm" : "am",
	a: (e) => e.getHours() >= 12 ? "p" : "a",
	mm: (e) => Qi(e.getMinutes()),
	m: (e) => e.getMinutes(),
	ss: (e) => Qi(e.getSeconds()),
	s: (e) => e.getSeconds(),
	fff: (e) => $i(e.getMilliseconds())
};
function ta(e, t) {
	t ||= Zi;
	let n = [], r = /\{([a-z]+)\}|[^{]+/gi, i;
	for (; i = r.exec(e);) n.push(i[0][0] == "{" ? ea[i[1]] : i[0]);
	return (e) => {
		let r = "";
		for (let i = 0; i < n.length; i++) r += typeof n[i] == "string" ? n[i] : n[i](e, t);
		return r;
	};
}
var na = new Intl.DateTimeFormat().resolvedOptions().timeZone;
function ra(e, t) {
	let n;
	return t == "UTC" || t == "Etc/UTC" ? n = /* @__PURE__ */ new Date(+e + e.getTimezoneOffset() * 6e4) : t == na ? n = e : (n = new Date(e.toLocaleString("en-US", { timeZone: t })), n.setMilliseconds(e.getMilliseconds())), n;
}
var ia = (e) => e % 1 == 0, aa = [
	1,
	2,
	2.5,
	5
], oa = wi(10, -32, 0, aa), sa = wi(10, 0, 32, aa), ca = sa.filter(ia), la = oa.concat(sa), ua = "\n", da = "{YYYY}", fa = ua + da, pa = "{M}/{D}", ma = ua + pa, ha = ma + "/{YY}", ga = "{aa}", _a = "{h}:{mm}" + ga, va = ua + _a, ya = ":{ss}", $ = null;
function ba(e) {
	let t = e * 1e3, n = t * 60, r = n * 60, i = r * 24, a = i * 30, o = i * 365, s = (e == 1 ? wi(10, 0, 3, aa).filter(ia) : wi(10, -3, 0, aa)).concat([
		t,
		t * 5,
		t * 10,
		t * 15,
		t * 30,
		n,
		n * 5,
		n * 10,
		n * 15,
		n * 30,
		r,
		r * 2,
		r * 3,
		r * 4,
		r * 6,
		r * 8,
		r * 12,
		i,
		i * 2,
		i * 3,
		i * 4,
		i * 5,
		i * 6,
		i * 7,
		i * 8,
		i * 9,
		i * 10,
		i * 15,
		a,
		a * 2,
		a * 3,
		a * 4,
		a * 6,
		o,
		o * 2,
		o * 5,
		o * 10,
		o * 25,
		o * 50,
		o * 100
	]), c = [
		[
			o,
			da,
			$,
			$,
			$,
			$,
			$,
			$,
			1
		],
		[
			i * 28,
			"{MMM}",
			fa,
			$,
			$,
			$,
			$,
			$,
			1
		],
		[
			i,
			pa,
			fa,
			$,
			$,
			$,
			$,
			$,
			1
		],
		[
			r,
			"{h}" + ga,
			ha,
			$,
			ma,
			$,
			$,
			$,
			1
		],
		[
			n,
			_a,
			ha,
			$,
			ma,
			$,
			$,
			$,
			1
		],
		[
			t,
			ya,
			ha + " " + _a,
			$,
			ma + " " + _a,
			$,
			va,
			$,
			1
		],
		[
			e,
			ya + ".{fff}",
			ha + " " + _a,
			$,
			ma + " " + _a,
			$,
			va,
			$,
			1
		]
	];
	function l(t) {
		return (s, c, l, u, d, f) => {
			let p = [], m = d >= o, h = d >= a && d < o, g = t(l), _ = Q(g * e, 3), v = Aa(g.getFullYear(), m ? 0 : g.getMonth(), h || m ? 1 : g.getDate()), y = Q(v * e, 3);
			if (h || m) {
				let n = h ? d / a : 0, r = m ? d / o : 0, i = _ == y ? _ : Q(Aa(v.getFullYear() + r, v.getMonth() + n, 1) * e, 3), s = new Date(Zr(i / e)), c = s.getFullYear(), l = s.getMonth();
				for (let a = 0; i <= u; a++) {
					let o = Aa(c + r * a, l + n * a, 1), s = o - t(Q(o * e, 3));
					i = Q((+o + s) * e, 3), i <= u && p.push(i);
				}
			} else {
				let a = d >= i ? i : d, o = y + (Xr(l) - Xr(_)) + bi(_ - y, a);
				p.push(o);
				let m = t(o), h = m.getHours() + m.getMinutes() / n + m.getSeconds() / r, g = d / r, v = f / s.axes[c]._space;
				for (; o = Q(o + d, e == 1 ? 0 : 3), !(o > u);) if (g > 1) {
					let e = Xr(Q(h + g, 6)) % 24, n = t(o).getHours() - e;
					n > 1 && (n = -1), o -= n * r, h = (h + g) % 24;
					let i = p[p.length - 1];
					Q((o - i) / d, 3) * v >= .7 && p.push(o);
				} else p.push(o);
			}
			return p;
		};
	}
	return [
		s,
		c,
		l
	];
}
var [xa, Sa, Ca] = ba(1), [wa, Ta, Ea] = ba(.001);
wi(2, -53, 53, [1]);
function Da(e, t) {
	return e.map((e) => e.map((n, r) => r == 0 || r == 8 || n == null ? n : t(r == 1 || e[8] == 0 ? n : e[1] + n)));
}
function Oa(e, t) {
	return (n, r, i, a, o) => {
		let s = t.find((e) => o >= e[0]) || t[t.length - 1], c, l, u, d, f, p;
		return r.map((t) => {
			let n = e(t), r = n.getFullYear(), i = n.getMonth(), a = n.getDate(), o = n.getHours(), m = n.getMinutes(), h = n.getSeconds(), g = r != c && s[2] || i != l && s[3] || a != u && s[4] || o != d && s[5] || m != f && s[6] || h != p && s[7] || s[1];
			return c = r, l = i, u = a, d = o, f = m, p = h, g(n);
		});
	};
}
function ka(e, t) {
	let n = ta(t);
	return (t, r, i, a, o) => r.map((t) => n(e(t)));
}
function Aa(e, t, n) {
	return new Date(e, t, n);
}
function ja(e, t) {
	return t(e);
}
var Ma = "{YYYY}-{MM}-{DD} {h}:{mm}{aa}";
function Na(e, t) {
	return (n, r, i, a) => a == null ? cr : t(e(r));
}
function Pa(e, t) {
	let n = e.series[t];
	return n.width ? n.stroke(e, t) : n.points.width ? n.points.stroke(e, t) : null;
}
function Fa(e, t) {
	return e.series[t].fill(e, t);
}
var Ia = {
	show: !0,
	live: !0,
	isolate: !1,
	mount: di,
	markers: {
		show: !0,
		width: 2,
		stroke: Pa,
		fill: Fa,
		dash: "solid"
	},
	idx: null,
	idxs: null,
	values: []
};
function La(e, t) {
	let n = e.cursor.points, r = vr(), i = n.size(e, t);
	Y(r, Wn, i), Y(r, Gn, i);
	let a = i / -2;
	Y(r, "marginLeft", a), Y(r, "marginTop", a);
	let o = n.width(e, t, i);
	return o && Y(r, "borderWidth", o), r;
}
function Ra(e, t) {
	let n = e.series[t].points;
	return n._fill || n._stroke;
}
function za(e, t) {
	let n = e.series[t].points;
	return n._stroke || n._fill;
}
function Ba(e, t) {
	return e.series[t].points.size;
}
var Va = [0, 0];
function Ha(e, t, n) {
	return Va[0] = t, Va[1] = n, Va;
}
function Ua(e, t, n, r = !0) {
	return (e) => {
		e.button != 0 || r && e.target != t || n(e);
	};
}
function Wa(e, t, n, r = !0) {
	return (e) => {
		r && e.target != t || n(e);
	};
}
var Ga = {
	show: !0,
	x: !0,
	y: !0,
	lock: !1,
	move: Ha,
	points: {
		one: !1,
		show: La,
		size: Ba,
		width: 0,
		stroke: za,
		fill: Ra
	},
	bind: {
		mousedown: Ua,
		mouseup: Ua,
		click: Ua,
		dblclick: Ua,
		mousemove: Wa,
		mouseleave: Wa,
		mouseenter: Wa
	},
	drag: {
		setScale: !0,
		x: !0,
		y: !1,
		dist: 0,
		uni: null,
		click: (e, t) => {
			t.stopPropagation(), t.stopImmediatePropagation();
		},
		_x: !1,
		_y: !1
	},
	focus: {
		dist: (e, t, n, r, i) => r - i,
		prox: -1,
		bias: 0
	},
	hover: {
		skip: [void 0],
		prox: null,
		bias: 0
	},
	left: -10,
	top: -10,
	idx: null,
	dataIdx: null,
	idxs: null,
	event: null
}, Ka = {
	show: !0,
	stroke: "rgba(0,0,0,0.07)",
	width: 2
}, qa = Li({}, Ka, { filter: pi }), Ja = Li({}, qa, { size: 10 }), Ya = Li({}, Ka, { show: !1 }), Xa = "12px system-ui, -apple-system, \"Segoe UI\", Roboto, \"Helvetica Neue\", Arial, \"Noto Sans\", sans-serif, \"Apple Color Emoji\", \"Segoe UI Emoji\", \"Segoe UI Symbol\", \"Noto Color Emoji\"", Za = "bold " + Xa, Qa = 1.5, $a = {
	show: !0,
	scale: "x",
	stroke: Xn,
	space: 50,
	gap: 5,
	alignTo: 1,
	size: 50,
	labelGap: 0,
	labelSize: 30,
	labelFont: Za,
	side: 2,
	grid: qa,
	ticks: Ja,
	border: Ya,
	font: Xa,
	lineGap: Qa,
	rotate: 0
}, eo = "Value", to = "Time", no = {
	show: !0,
	scale: "x",
	auto: !1,
	sorted: 1,
	min: si,
	max: -Infinity,
	idxs: []
};
function ro(e, t, n, r, i) {
	return t.map((e) => e == null ? "" : Kr(e));
}
function io(e, t, n, r, i, a, o) {
	let s = [], c = Si.get(i) || 0;
	n = o ? n : Q(bi(n, i), c);
	for (let e = n; e <= r; e = Q(e + i, c)) s.push(Object.is(e, -0) ? 0 : e);
	return s;
}
function ao(e, t, n, r, i, a, o) {
	let s = [], c = e.scales[e.axes[t].scale].log;
	i = ti(c, Xr((c == 10 ? ri : ii)(n))), c == 10 && (i = la[kr(i, la)]);
	let l = n, u = i * c;
	c == 10 && (u = la[kr(u, la)]);
	do
		s.push(l), l += i, c == 10 && !Si.has(l) && (l = Q(l, Si.get(i))), l >= u && (i = l, u = i * c, c == 10 && (u = la[kr(u, la)]));
	while (l <= r);
	return s;
}
function oo(e, t, n, r, i, a, o) {
	let s = e.scales[e.axes[t].scale].asinh, c = r > s ? ao(e, t, ei(s, n), r, i) : [s], l = r >= 0 && n <= 0 ? [0] : [];
	return (n < -s ? ao(e, t, ei(s, -r), -n, i) : [s]).reverse().map((e) => -e).concat(l, c);
}
var so = /./, co = /[12357]/, lo = /[125]/, uo = /1/, fo = (e, t, n, r) => e.map((e, i) => t == 4 && e == 0 || i % r == 0 && n.test(e.toExponential()[+(e < 0)]) ? e : null);
function po(e, t, n, r, i) {
	let a = e.axes[n], o = a.scale, s = e.scales[o], c = e.valToPos, l = a._space, u = c(10, o), d = c(9, o) - u >= l ? so : c(7, o) - u >= l ? co : c(5, o) - u >= l ? lo : uo;
	if (d == uo) {
		let e = Yr(c(1, o) - u);
		if (e < l) return fo(t.slice().reverse(), s.distr, d, Qr(l / e)).reverse();
	}
	return fo(t, s.distr, d, 1);
}
function mo(e, t, n, r, i) {
	let a = e.axes[n], o = a.scale, s = a._space, c = e.valToPos, l = Yr(c(1, o) - c(2, o));
	return l < s ? fo(t.slice().reverse(), 3, so, Qr(s / l)).reverse() : t;
}
function ho(e, t, n, r) {
	return r == null ? cr : t == null ? "" : Kr(t);
}
var go = {
	show: !0,
	scale: "y",
	stroke: Xn,
	space: 30,
	gap: 5,
	alignTo: 1,
	size: 50,
	labelGap: 0,
	labelSize: 30,
	labelFont: Za,
	side: 3,
	grid: qa,
	ticks: Ja,
	border: Ya,
	font: Xa,
	lineGap: Qa,
	rotate: 0
};
function _o(e, t) {
	return Q((3 + (e || 1) * 2) * t, 3);
}
function vo(e, t) {
	let { scale: n, idxs: r } = e.series[0], i = e._data[0], a = e.valToPos(i[r[0]], n, !0), o = Yr(e.valToPos(i[r[1]], n, !0) - a) / (e.series[t].points.space * J);
	return r[1] - r[0] <= o;
}
var yo = {
	scale: null,
	auto: !0,
	sorted: 0,
	min: si,
	max: -Infinity
}, bo = (e, t, n, r, i) => i, xo = {
	show: !0,
	auto: !0,
	sorted: 0,
	gaps: bo,
	alpha: 1,
	facets: [Li({}, yo, { scale: "x" }), Li({}, yo, { scale: "y" })]
}, So = {
	scale: "y",
	auto: !0,
	sorted: 0,
	show: !0,
	spanGaps: !1,
	gaps: bo,
	alpha: 1,
	points: {
		show: vo,
		filter: null
	},
	values: null,
	min: si,
	max: -Infinity,
	idxs: [],
	path: null,
	clip: null
};
function Co(e, t, n, r, i) {
	return n / 10;
}
var wo = {
	time: Cn,
	auto: !0,
	distr: 1,
	log: 10,
	asinh: 1,
	min: null,
	max: null,
	dir: 1,
	ori: 0
}, To = Li({}, wo, {
	time: !1,
	ori: 1
}), Eo = {};
function Do(e, t) {
	let n = Eo[e];
	return n || (n = {
		key: e,
		plots: [],
		sub(e) {
			n.plots.push(e);
		},
		unsub(e) {
			n.plots = n.plots.filter((t) => t != e);
		},
		pub(e, t, r, i, a, o, s) {
			for (let c = 0; c < n.plots.length; c++) n.plots[c] != t && n.plots[c].pub(e, t, r, i, a, o, s);
		}
	}, e != null && (Eo[e] = n)), n;
}
var Oo = 1, ko = 2;
function Ao(e, t, n) {
	let r = e.mode, i = e.series[t], a = r == 2 ? e._data[t] : e._data, o = e.scales, s = e.bbox, c = a[0], l = r == 2 ? a[1] : a[t], u = r == 2 ? o[i.facets[0].scale] : o[e.series[0].scale], d = r == 2 ? o[i.facets[1].scale] : o[i.scale], f = s.left, p = s.top, m = s.width, h = s.height, g = e.valToPosH, _ = e.valToPosV;
	return u.ori == 0 ? n(i, c, l, u, d, g, _, f, p, m, h, zo, Vo, Uo, Go, qo) : n(i, c, l, u, d, _, g, p, f, h, m, Bo, Ho, Wo, Ko, Jo);
}
function jo(e, t) {
	let n = 0, r = 0, i = X(e.bands, Ei);
	for (let e = 0; e < i.length; e++) {
		let a = i[e];
		a.series[0] == t ? n = a.dir : a.series[1] == t && (a.dir == 1 ? r |= 1 : r |= 2);
	}
	return [n, r == 1 ? -1 : r == 2 ? 1 : r == 3 ? 2 : 0];
}
function Mo(e, t, n, r, i) {
	let a = e.mode, o = e.series[t], s = a == 2 ? o.facets[1].scale : o.scale, c = e.scales[s];
	return i == -1 ? c.min : i == 1 ? c.max : c.distr == 3 ? c.dir == 1 ? c.min : c.max : 0;
}
function No(e, t, n, r, i, a) {
	return Ao(e, t, (e, t, o, s, c, l, u, d, f, p, m) => {
		let h = e.pxRound, g = s.dir * (s.ori == 0 ? 1 : -1), _ = s.ori == 0 ? Vo : Ho, v, y;
		g == 1 ? (v = n, y = r) : (v = r, y = n);
		let b = h(l(t[v], s, p, d)), x = h(u(o[v], c, m, f)), S = h(l(t[y], s, p, d)), C = h(u(a == 1 ? c.max : c.min, c, m, f)), w = new Path2D(i);
		return _(w, S, C), _(w, b, C), _(w, b, x), w;
	});
}
function Po(e, t, n, r, i, a) {
	let o = null;
	if (e.length > 0) {
		o = new Path2D();
		let s = t == 0 ? Uo : Wo, c = n;
		for (let t = 0; t < e.length; t++) {
			let n = e[t];
			if (n[1] > n[0]) {
				let e = n[0] - c;
				e > 0 && s(o, c, r, e, r + a), c = n[1];
			}
		}
		let l = n + i - c;
		l > 0 && s(o, c, r - 5, l, r + a + 10);
	}
	return o;
}
function Fo(e, t, n) {
	let r = e[e.length - 1];
	r && r[0] == t ? r[1] = n : e.push([t, n]);
}
function Io(e, t, n, r, i, a, o) {
	let s = [], c = e.length;
	for (let l = i == 1 ? n : r; l >= n && l <= r; l += i) if (t[l] === null) {
		let u = l, d = l;
		if (i == 1) for (; ++l <= r && t[l] === null;) d = l;
		else for (; --l >= n && t[l] === null;) d = l;
		let f = a(e[u]), p = d == u ? f : a(e[d]), m = u - i;
		f = o <= 0 && m >= 0 && m < c ? a(e[m]) : f;
		let h = d + i;
		p = o >= 0 && h >= 0 && h < c ? a(e[h]) : p, p >= f && s.push([f, p]);
	}
	return s;
}
function Lo(e) {
	return e == 0 ? fi : e == 1 ? Zr : (t) => yi(t, e);
}
function Ro(e) {
	let t = e == 0 ? zo : Bo, n = e == 0 ? (e, t, n, r, i, a) => {
		e.arcTo(t, n, r, i, a);
	} : (e, t, n, r, i, a) => {
		e.arcTo(n, t, i, r, a);
	}, r = e == 0 ? (e, t, n, r, i) => {
		e.rect(t, n, r, i);
	} : (e, t, n, r, i) => {
		e.rect(n, t, i, r);
	};
	return (e, i, a, o, s, c = 0, l = 0) => {
		c == 0 && l == 0 ? r(e, i, a, o, s) : (c = $r(c, o / 2, s / 2), l = $r(l, o / 2, s / 2), t(e, i + c, a), n(e, i + o, a, i + o, a + s, c), n(e, i + o, a + s, i, a + s, l), n(e, i, a + s, i, a, l), n(e, i, a, i + o, a, c), e.closePath());
	};
}
var zo = (e, t, n) => {
	e.moveTo(t, n);
}, Bo = (e, t, n) => {
	e.moveTo(n, t);
}, Vo = (e, t, n) => {
	e.lineTo(t, n);
}, Ho = (e, t, n) => {
	e.lineTo(n, t);
}, Uo = Ro(0), Wo = Ro(1), Go = (e, t, n, r, i, a) => {
	e.arc(t, n, r, i, a);
}, Ko = (e, t, n, r, i, a) => {
	e.arc(n, t, r, i, a);
}, qo = (e, t, n, r, i, a, o) => {
	e.bezierCurveTo(t, n, r, i, a, o);
}, Jo = (e, t, n, r, i, a, o) => {
	e.bezierCurveTo(n, t, i, r, o, a);
};
function Yo(e) {
	return (e, t, n, r, i) => Ao(e, t, (t, a, o, s, c, l, u, d, f, p, m) => {
		let { pxRound: h, points: g } = t, _, v;
		s.ori == 0 ? (_ = zo, v = Go) : (_ = Bo, v = Ko);
		let y = Q(g.width * J, 3), b = (g.size - g.width) / 2 * J, x = Q(b * 2, 3), S = new Path2D(), C = new Path2D(), { left: w, top: T, width: E, height: D } = e.bbox;
		Uo(C, w - x, T - x, E + x * 2, D + x * 2);
		let O = (e) => {
			if (o[e] != null) {
				let t = h(l(a[e], s, p, d)), n = h(u(o[e], c, m, f));
				_(S, t + b, n), v(S, t, n, b, 0, Jr * 2);
			}
		};
		if (i) i.forEach(O);
		else for (let e = n; e <= r; e++) O(e);
		return {
			stroke: y > 0 ? S : null,
			fill: S,
			clip: C,
			flags: 3
		};
	});
}
function Xo(e) {
	return (t, n, r, i, a, o) => {
		r != i && (a != r && o != r && e(t, n, r), a != i && o != i && e(t, n, i), e(t, n, o));
	};
}
var Zo = Xo(Vo), Qo = Xo(Ho);
function $o(e) {
	let t = X(e?.alignGaps, 0);
	return (e, n, r, i) => Ao(e, n, (a, o, s, c, l, u, d, f, p, m, h) => {
		[r, i] = Nr(s, r, i);
		let g = a.pxRound, _ = (e) => g(u(e, c, m, f)), v = (e) => g(d(e, l, h, p)), y, b;
		c.ori == 0 ? (y = Vo, b = Zo) : (y = Ho, b = Qo);
		let x = c.dir * (c.ori == 0 ? 1 : -1), S = {
			stroke: new Path2D(),
			fill: null,
			clip: null,
			band: null,
			gaps: null,
			flags: Oo
		}, C = S.stroke, w = !1;
		if (i - r >= m * 4) {
			let t = (t) => e.posToVal(t, c.key, !0), n = null, a = null, l, u, d, f = _(o[x == 1 ? r : i]), p = _(o[r]), m = _(o[i]), h = t(x == 1 ? p + 1 : m - 1);
			for (let e = x == 1 ? r : i; e >= r && e <= i; e += x) {
				let r = o[e], i = (x == 1 ? r < h : r > h) ? f : _(r), c = s[e];
				i == f ? c == null ? c === null && (w = !0) : (u = c, n == null ? (y(C, i, v(u)), l = n = a = u) : u < n ? n = u : u > a && (a = u)) : (n != null && b(C, f, v(n), v(a), v(l), v(u)), c == null ? (n = a = null, c === null && (w = !0)) : (u = c, y(C, i, v(u)), n = a = l = u), f = i, h = t(f + x));
			}
			n != null && n != a && d != f && b(C, f, v(n), v(a), v(l), v(u));
		} else for (let e = x == 1 ? r : i; e >= r && e <= i; e += x) {
			let t = s[e];
			t === null ? w = !0 : t != null && y(C, _(o[e]), v(t));
		}
		let [T, E] = jo(e, n);
		if (a.fill != null || T != 0) {
			let t = S.fill = new Path2D(C), s = v(a.fillTo(e, n, a.min, a.max, T)), c = _(o[r]), l = _(o[i]);
			x == -1 && ([l, c] = [c, l]), y(t, l, s), y(t, c, s);
		}
		if (!a.spanGaps) {
			let l = [];
			w && l.push(...Io(o, s, r, i, x, _, t)), S.gaps = l = a.gaps(e, n, r, i, l), S.clip = Po(l, c.ori, f, p, m, h);
		}
		return E != 0 && (S.band = E == 2 ? [No(e, n, r, i, C, -1), No(e, n, r, i, C, 1)] : No(e, n, r, i, C, E)), S;
	});
}
function es(e) {
	let t = X(e.align, 1), n = X(e.ascDesc, !1), r = X(e.alignGaps, 0), i = X(e.extend, !1);
	return (e, a, o, s) => Ao(e, a, (c, l, u, d, f, p, m, h, g, _, v) => {
		[o, s] = Nr(u, o, s);
		let y = c.pxRound, { left: b, width: x } = e.bbox, S = (e) => y(p(e, d, _, h)), C = (e) => y(m(e, f, v, g)), w = d.ori == 0 ? Vo : Ho, T = {
			stroke: new Path2D(),
			fill: null,
			clip: null,
			band: null,
			gaps: null,
			flags: Oo
		}, E = T.stroke, D = d.dir * (d.ori == 0 ? 1 : -1), O = C(u[D == 1 ? o : s]), k = S(l[D == 1 ? o : s]), ee = k, A = k;
		i && t == -1 && (A = b, w(E, A, O)), w(E, k, O);
		for (let e = D == 1 ? o : s; e >= o && e <= s; e += D) {
			let n = u[e];
			if (n == null) continue;
			let r = S(l[e]), i = C(n);
			t == 1 ? w(E, r, O) : w(E, ee, i), w(E, r, i), O = i, ee = r;
		}
		let te = ee;
		i && t == 1 && (te = b + x, w(E, te, O));
		let [ne, re] = jo(e, a);
		if (c.fill != null || ne != 0) {
			let t = T.fill = new Path2D(E), n = C(c.fillTo(e, a, c.min, c.max, ne));
			w(t, te, n), w(t, A, n);
		}
		if (!c.spanGaps) {
			let i = [];
			i.push(...Io(l, u, o, s, D, S, r));
			let f = c.width * J / 2, p = n || t == 1 ? f : -f, m = n || t == -1 ? -f : f;
			i.forEach((e) => {
				e[0] += p, e[1] += m;
			}), T.gaps = i = c.gaps(e, a, o, s, i), T.clip = Po(i, d.ori, h, g, _, v);
		}
		return re != 0 && (T.band = re == 2 ? [No(e, a, o, s, E, -1), No(e, a, o, s, E, 1)] : No(e, a, o, s, E, re)), T;
	});
}
function ts(e, t, n, r, i, a, o = si) {
	if (e.length > 1) {
		let s = null;
		for (let c = 0, l = Infinity; c < e.length; c++) if (t[c] !== void 0) {
			if (s != null) {
				let t = Yr(e[c] - e[s]);
				t < l && (l = t, o = Yr(n(e[c], r, i, a) - n(e[s], r, i, a)));
			}
			s = c;
		}
	}
	return o;
}
function ns(e) {
	e ||= Ti;
	let t = X(e.size, [
		.6,
		si,
		1
	]), n = e.align || 0, r = e.gap || 0, i = e.radius;
	i = i == null ? [0, 0] : typeof i == "number" ? [i, 0] : i;
	let a = Z(i), o = 1 - t[0], s = X(t[1], si), c = X(t[2], 1), l = X(e.disp, Ti), u = X(e.each, (e) => {}), { fill: d, stroke: f } = l;
	return (e, t, i, p) => Ao(e, t, (m, h, g, _, v, y, b, x, S, C, w) => {
		let T = m.pxRound, E = n, D = r * J, O = s * J, k = c * J, ee, A;
		_.ori == 0 ? [ee, A] = a(e, t) : [A, ee] = a(e, t);
		let te = _.dir * (_.ori == 0 ? 1 : -1), ne = _.ori == 0 ? Uo : Wo, re = _.ori == 0 ? u : (e, t, n, r, i, a, o) => {
			u(e, t, n, i, r, o, a);
		}, ie = X(e.bands, Ei).find((e) => e.series[0] == t), ae = ie == null ? 0 : ie.dir, oe = m.fillTo(e, t, m.min, m.max, ae), j = T(b(oe, v, w, S)), M, se, N, P = C, F = T(m.width * J), I = !1, ce = null, le = null, ue = null, de = null;
		d != null && (F == 0 || f != null) && (I = !0, ce = d.values(e, t, i, p), le = /* @__PURE__ */ new Map(), new Set(ce).forEach((e) => {
			e != null && le.set(e, new Path2D());
		}), F > 0 && (ue = f.values(e, t, i, p), de = /* @__PURE__ */ new Map(), new Set(ue).forEach((e) => {
			e != null && de.set(e, new Path2D());
		})));
		let { x0: fe, size: pe } = l;
		if (fe != null && pe != null) {
			E = 1, h = fe.values(e, t, i, p), fe.unit == 2 && (h = h.map((t) => e.posToVal(x + t * C, _.key, !0)));
			let n = pe.values(e, t, i, p);
			se = pe.unit == 2 ? n[0] * C : y(n[0], _, C, x) - y(0, _, C, x), P = ts(h, g, y, _, C, x, P), N = P - se + D;
		} else P = ts(h, g, y, _, C, x, P), N = P * o + D, se = P - N;
		N < 1 && (N = 0), F >= se / 2 && (F = 0), N < 5 && (T = fi);
		let L = N > 0, me = P - N - (L ? F : 0);
		se = T(li(me, k, O)), M = (E == 0 ? se / 2 : E == te ? 0 : se) - E * te * ((E == 0 ? D / 2 : 0) + (L ? F / 2 : 0));
		let he = {
			stroke: null,
			fill: null,
			clip: null,
			band: null,
			gaps: null,
			flags: 0
		}, ge = I ? null : new Path2D(), _e = null;
		if (ie != null) _e = e.data[ie.series[1]];
		else {
			let { y0: n, y1: r } = l;
			n != null && r != null && (g = r.values(e, t, i, p), _e = n.values(e, t, i, p));
		}
		let ve = ee * se, ye = A * se;
		for (let n = te == 1 ? i : p; n >= i && n <= p; n += te) {
			let r = g[n];
			if (r == null) continue;
			if (_e != null) {
				let e = _e[n] ?? 0;
				if (r - e == 0) continue;
				j = b(e, v, w, S);
			}
			let i = y(_.distr != 2 || l != null ? h[n] : n, _, C, x), a = b(X(r, oe), v, w, S), o = T(i - M), s = T(ei(a, j)), c = T($r(a, j)), u = s - c;
			if (r != null) {
				let i = r < 0 ? ye : ve, a = r < 0 ? ve : ye;
				I ? (F > 0 && ue[n] != null && ne(de.get(ue[n]), o, c + Xr(F / 2), se, ei(0, u - F), i, a), ce[n] != null && ne(le.get(ce[n]), o, c + Xr(F / 2), se, ei(0, u - F), i, a)) : ne(ge, o, c + Xr(F / 2), se, ei(0, u - F), i, a), re(e, t, n, o - F / 2, c, se + F, u);
			}
		}
		return F > 0 ? he.stroke = I ? de : ge : I || (he._fill = m.width == 0 ? m._fill : m._stroke ?? m._fill, he.width = 0), he.fill = I ? le : ge, he;
	});
}
function rs(e, t) {
	let n = X(t?.alignGaps, 0);
	return (t, r, i, a) => Ao(t, r, (o, s, c, l, u, d, f, p, m, h, g) => {
		[i, a] = Nr(c, i, a);
		let _ = o.pxRound, v = (e) => _(d(e, l, h, p)), y = (e) => _(f(e, u, g, m)), b, x, S;
		l.ori == 0 ? (b = zo, S = Vo, x = qo) : (b = Bo, S = Ho, x = Jo);
		let C = l.dir * (l.ori == 0 ? 1 : -1), w = v(s[C == 1 ? i : a]), T = w, E = [], D = [];
		for (let e = C == 1 ? i : a; e >= i && e <= a; e += C) if (c[e] != null) {
			let t = s[e], n = v(t);
			E.push(T = n), D.push(y(c[e]));
		}
		let O = {
			stroke: e(E, D, b, S, x, _),
			fill: null,
			clip: null,
			band: null,
			gaps: null,
			flags: Oo
		}, k = O.stroke, [ee, A] = jo(t, r);
		if (o.fill != null || ee != 0) {
			let e = O.fill = new Path2D(k), n = y(o.fillTo(t, r, o.min, o.max, ee));
			S(e, T, n), S(e, w, n);
		}
		if (!o.spanGaps) {
			let e = [];
			e.push(...Io(s, c, i, a, C, v, n)), O.gaps = e = o.gaps(t, r, i, a, e), O.clip = Po(e, l.ori, p, m, h, g);
		}
		return A != 0 && (O.band = A == 2 ? [No(t, r, i, a, k, -1), No(t, r, i, a, k, 1)] : No(t, r, i, a, k, A)), O;
	});
}
function is(e) {
	return rs(as, e);
}
function as(e, t, n, r, i, a) {
	let o = e.length;
	if (o < 2) return null;
	let s = new Path2D();
	if (n(s, e[0], t[0]), o == 2) r(s, e[1], t[1]);
	else {
		let n = Array(o), r = Array(o - 1), a = Array(o - 1), c = Array(o - 1);
		for (let n = 0; n < o - 1; n++) a[n] = t[n + 1] - t[n], c[n] = e[n + 1] - e[n], r[n] = a[n] / c[n];
		n[0] = r[0];
		for (let e = 1; e < o - 1; e++) r[e] === 0 || r[e - 1] === 0 || r[e - 1] > 0 != r[e] > 0 ? n[e] = 0 : (n[e] = 3 * (c[e - 1] + c[e]) / ((2 * c[e] + c[e - 1]) / r[e - 1] + (c[e] + 2 * c[e - 1]) / r[e]), isFinite(n[e]) || (n[e] = 0));
		n[o - 1] = r[o - 2];
		for (let r = 0; r < o - 1; r++) i(s, e[r] + c[r] / 3, t[r] + n[r] * c[r] / 3, e[r + 1] - c[r] / 3, t[r + 1] - n[r + 1] * c[r] / 3, e[r + 1], t[r + 1]);
	}
	return s;
}
var os = /* @__PURE__ */ new Set();
function ss() {
	for (let e of os) e.syncRect(!0);
}
lr && (Dr(ir, dr, ss), Dr(ar, dr, ss, !0), Dr(sr, dr, () => {
	Cs.pxRatio = J;
}));
var cs = $o(), ls = Yo();
function us(e, t, n, r) {
	return (r ? [e[0], e[1]].concat(e.slice(2)) : [e[0]].concat(e.slice(1))).map((e, r) => fs(e, r, t, n));
}
function ds(e, t) {
	return e.map((e, n) => n == 0 ? {} : Li({}, t, e));
}
function fs(e, t, n, r) {
	return Li({}, t == 0 ? n : r, e);
}
function ps(e, t, n) {
	return t == null ? Di : [t, n];
}
var ms = ps;
function hs(e, t, n) {
	return t == null ? Di : Hr(t, n, Rr, !0);
}
function gs(e, t, n, r) {
	return t == null ? Di : Ir(t, n, e.scales[r].log, !1);
}
var _s = gs;
function vs(e, t, n, r) {
	return t == null ? Di : Lr(t, n, e.scales[r].log, !1);
}
var ys = vs;
function bs(e, t, n, r, i) {
	let a = ei(ci(e), ci(t)), o = t - e, s = kr(i / r * o, n);
	do {
		let e = n[s], t = r * e / o;
		if (t >= i && a + (e < 5 ? Si.get(e) : 0) <= 17) return [e, t];
	} while (++s < n.length);
	return [0, 0];
}
function xs(e) {
	let t, n;
	return e = e.replace(/(\d+)px/, (e, r) => (t = Zr((n = +r) * J)) + "px"), [
		e,
		t,
		n
	];
}
function Ss(e) {
	e.show && [e.font, e.labelFont].forEach((e) => {
		let t = Q(e[2] * J, 1);
		e[0] = e[0].replace(/[0-9.]+px/, t + "px"), e[1] = t;
	});
}
function Cs(e, t, n) {
	let r = { mode: X(e.mode, 1) }, i = r.mode;
	function a(e, t, n, r) {
		let i = t.valToPct(e);
		return r + n * (t.dir == -1 ? 1 - i : i);
	}
	function o(e, t, n, r) {
		let i = t.valToPct(e);
		return r + n * (t.dir == -1 ? i : 1 - i);
	}
	function s(e, t, n, r) {
		return t.ori == 0 ? a(e, t, n, r) : o(e, t, n, r);
	}
	r.valToPosH = a, r.valToPosV = o;
	let c = !1;
	r.status = 0;
	let l = r.root = vr(wn);
	if (e.id != null && (l.id = e.id), hr(l, e.class), e.title) {
		let t = vr(Dn, l);
		t.textContent = e.title;
	}
	let u = _r("canvas"), d = r.ctx = u.getContext("2d"), f = vr(On, l);
	Dr("click", f, (e) => {
		e.target === m && (G != $t || K != en) && an.click(r, e);
	}, !0);
	let p = r.under = vr(kn, f);
	f.appendChild(u);
	let m = r.over = vr(An, f);
	e = Ii(e);
	let h = +X(e.pxAlign, 1), g = Lo(h);
	(e.plugins || []).forEach((t) => {
		t.opts && (e = t.opts(r, e) || e);
	});
	let _ = e.ms || .001, v = r.series = i == 1 ? us(e.series || [], no, So, !1) : ds(e.series || [null], xo), y = r.axes = us(e.axes || [], $a, go, !0), b = r.scales = {}, x = r.bands = e.bands || [];
	x.forEach((e) => {
		e.fill = Z(e.fill || null), e.dir = X(e.dir, -1);
	});
	let S = i == 2 ? v[1].facets[0].scale : v[0].scale, C = {
		axes: Rt,
		series: Ot
	}, w = (e.drawOrder || ["axes", "series"]).map((e) => C[e]);
	function T(e) {
		let t = e.distr == 3 ? (t) => ri(t > 0 ? t : e.clamp(r, t, e.min, e.max, e.key)) : e.distr == 4 ? (t) => oi(t, e.asinh) : e.distr == 100 ? (t) => e.fwd(t) : (e) => e;
		return (n) => {
			let r = t(n), { _min: i, _max: a } = e, o = a - i;
			return (r - i) / o;
		};
	}
	function E(t) {
		let n = b[t];
		if (n == null) {
			let r = (e.scales || Ti)[t] || Ti;
			if (r.from != null) {
				E(r.from);
				let e = Li({}, b[r.from], r, { key: t });
				e.valToPct = T(e), b[t] = e;
			} else {
				n = b[t] = Li({}, t == S ? wo : To, r), n.key = t;
				let e = n.time, a = n.range, o = Oi(a);
				if ((t != S || i == 2 && !e) && (o && (a[0] == null || a[1] == null) && (a = {
					min: a[0] == null ? zr : {
						mode: 1,
						hard: a[0],
						soft: a[0]
					},
					max: a[1] == null ? zr : {
						mode: 1,
						hard: a[1],
						soft: a[1]
					}
				}, o = !1), !o && Mi(a))) {
					let e = a;
					a = (t, n, r) => n == null ? Di : Hr(n, r, e);
				}
				n.range = Z(a || (e ? ms : t == S ? n.distr == 3 ? _s : n.distr == 4 ? ys : ps : n.distr == 3 ? gs : n.distr == 4 ? vs : hs)), n.auto = Z(!o && n.auto), n.clamp = Z(n.clamp || Co), n._min = n._max = null, n.valToPct = T(n);
			}
		}
	}
	E("x"), E("y"), i == 1 && v.forEach((e) => {
		E(e.scale);
	}), y.forEach((e) => {
		E(e.scale);
	});
	for (let t in e.scales) E(t);
	let D = b[S], O = D.distr, k, ee;
	D.ori == 0 ? (hr(l, Tn), k = a, ee = o) : (hr(l, En), k = o, ee = a);
	let A = {};
	for (let e in b) {
		let t = b[e];
		(t.min != null || t.max != null) && (A[e] = {
			min: t.min,
			max: t.max
		}, t.min = t.max = null);
	}
	let te = e.tzDate || ((e) => new Date(Zr(e / _))), ne = e.fmtDate || ta, re = _ == 1 ? Ca(te) : Ea(te), ie = Oa(te, Da(_ == 1 ? Sa : Ta, ne)), ae = Na(te, ja(Ma, ne)), oe = [], j = r.legend = Li({}, Ia, e.legend), M = r.cursor = Li({}, Ga, { drag: { y: i == 2 } }, e.cursor), se = j.show, N = M.show, P = j.markers;
	j.idxs = oe, P.width = Z(P.width), P.dash = Z(P.dash), P.stroke = Z(P.stroke), P.fill = Z(P.fill);
	let F, I, ce, le = [], ue = [], de, fe = !1, pe = {};
	if (j.live) {
		let e = v[1] ? v[1].values : null;
		fe = e != null, de = fe ? e(r, 1, 0) : { _: 0 };
		for (let e in de) pe[e] = cr;
	}
	if (se) {
		if (F = _r("table", Ln, l), ce = _r("tbody", null, F), j.mount(r, F), fe) {
			I = _r("thead", null, F, ce);
			let e = _r("tr", null, I);
			for (var L in _r("th", null, e), de) _r("th", Hn, e).textContent = L;
		} else hr(F, zn), j.live && hr(F, Rn);
	}
	let me = { show: !0 }, he = { show: !1 };
	function ge(e, t) {
		if (t == 0 && (fe || !j.live || i == 2)) return Di;
		let n = [], a = _r("tr", Bn, ce, ce.childNodes[t]);
		hr(a, e.class), e.show || hr(a, Mn);
		let o = _r("th", null, a);
		if (P.show) {
			let e = vr(Vn, o);
			if (t > 0) {
				let n = P.width(r, t);
				n && (e.style.border = n + "px " + P.dash(r, t) + " " + P.stroke(r, t)), e.style.background = P.fill(r, t);
			}
		}
		let s = vr(Hn, o);
		for (var c in e.label instanceof HTMLElement ? s.appendChild(e.label) : s.textContent = e.label, t > 0 && (P.show || (s.style.color = e.width > 0 ? P.stroke(r, t) : P.fill(r, t)), ve("click", o, (t) => {
			if (M._lock) return;
			Ue(t);
			let n = v.indexOf(e);
			if ((t.ctrlKey || t.metaKey) != j.isolate) {
				let e = v.some((e, t) => t > 0 && t != n && e.show);
				v.forEach((t, r) => {
					r > 0 && fn(r, e ? r == n ? me : he : me, !0, ci.setSeries);
				});
			} else fn(n, { show: !e.show }, !0, ci.setSeries);
		}, !1), Ke && ve(tr, o, (t) => {
			M._lock || (Ue(t), fn(v.indexOf(e), bn, !0, ci.setSeries));
		}, !1)), de) {
			let e = _r("td", Un, a);
			e.textContent = "--", n.push(e);
		}
		return [a, n];
	}
	let _e = /* @__PURE__ */ new Map();
	function ve(e, t, n, i = !0) {
		let a = _e.get(t) || {}, o = M.bind[e](r, t, n, i);
		o && (Dr(e, t, a[e] = o), _e.set(t, a));
	}
	function ye(e, t, n) {
		let r = _e.get(t) || {};
		for (let n in r) (e == null || n == e) && (Or(n, t, r[n]), delete r[n]);
		e ?? _e.delete(t);
	}
	let be = 0, xe = 0, R = 0, z = 0, Se = 0, B = 0, Ce = Se, we = B, Te = R, Ee = z, De = 0, Oe = 0, ke = 0, Ae = 0;
	r.bbox = {};
	let je = !1, Me = !1, Ne = !1, Pe = !1, Fe = !1, Ie = !1;
	function Le(e, t, n) {
		(n || e != r.width || t != r.height) && Re(e, t), W(!1), Ne = !0, Me = !0, Ut();
	}
	function Re(e, t) {
		r.width = be = R = e, r.height = xe = z = t, Se = B = 0, Ve(), He();
		let n = r.bbox;
		De = n.left = yi(Se * J, .5), Oe = n.top = yi(B * J, .5), ke = n.width = yi(R * J, .5), Ae = n.height = yi(z * J, .5);
	}
	function ze() {
		let e = !1, t = 0;
		for (; !e;) {
			t++;
			let n = U(t), i = Lt(t);
			e = t == 3 || n && i, e || (Re(r.width, r.height), Me = !0);
		}
	}
	function Be({ width: e, height: t }) {
		Le(e, t);
	}
	r.setSize = Be;
	function Ve() {
		let e = !1, t = !1, n = !1, r = !1;
		y.forEach((i, a) => {
			if (i.show && i._show) {
				let { side: a, _size: o } = i, s = a % 2, c = o + (i.label == null ? 0 : i.labelSize);
				c > 0 && (s ? (R -= c, a == 3 ? (Se += c, r = !0) : n = !0) : (z -= c, a == 0 ? (B += c, e = !0) : t = !0));
			}
		}), tt[0] = e, tt[1] = n, tt[2] = t, tt[3] = r, R -= at[1] + at[3], Se += at[3], z -= at[2] + at[0], B += at[0];
	}
	function He() {
		let e = Se + R, t = B + z, n = Se, r = B;
		function i(i, a) {
			switch (i) {
				case 1: return e += a, e - a;
				case 2: return t += a, t - a;
				case 3: return n -= a, n + a;
				case 0: return r -= a, r + a;
			}
		}
		y.forEach((e, t) => {
			if (e.show && e._show) {
				let t = e.side;
				e._pos = i(t, e._size), e.label != null && (e._lpos = i(t, e.labelSize));
			}
		});
	}
	if (M.dataIdx == null) {
		let e = M.hover, n = e.skip = new Set(e.skip ?? []);
		n.add(void 0);
		let r = e.prox = Z(e.prox), i = e.bias ??= 0;
		M.dataIdx = (e, a, o, s) => {
			if (a == 0) return o;
			let c = o, l = r(e, a, o, s) ?? si, u = l >= 0 && l < si, d = D.ori == 0 ? R : z, f = M.left, p = t[0], m = t[a];
			if (n.has(m[o])) {
				c = null;
				let e = null, t = null, r;
				if (i == 0 || i == -1) for (r = o; e == null && r-- > 0;) n.has(m[r]) || (e = r);
				if (i == 0 || i == 1) for (r = o; t == null && r++ < m.length;) n.has(m[r]) || (t = r);
				if (e != null || t != null) {
					if (u) {
						let n = e == null ? -Infinity : k(p[e], D, d, 0), r = t == null ? Infinity : k(p[t], D, d, 0), i = f - n, a = r - f;
						i <= a ? i <= l && (c = e) : a <= l && (c = t);
					} else c = t == null ? e : e == null ? t : o - e <= t - o ? e : t;
				}
			} else u && Yr(f - k(p[o], D, d, 0)) > l && (c = null);
			return c;
		};
	}
	let Ue = (e) => {
		M.event = e;
	};
	M.idxs = oe, M._lock = !1;
	let We = M.points;
	We.show = Z(We.show), We.size = Z(We.size), We.stroke = Z(We.stroke), We.width = Z(We.width), We.fill = Z(We.fill);
	let Ge = r.focus = Li({}, e.focus || { alpha: .3 }, M.focus), Ke = Ge.prox >= 0, qe = Ke && We.one, Je = [], Ye = [], Xe = [];
	function Ze(e, t) {
		let n = We.show(r, t);
		if (n instanceof HTMLElement) return hr(n, In), hr(n, e.class), br(n, -10, -10, R, z), m.insertBefore(n, Je[t]), n;
	}
	function Qe(e, t) {
		if (i == 1 || t > 0) {
			let t = i == 1 && b[e.scale].time, n = e.value;
			e.value = t ? ji(n) ? Na(te, ja(n, ne)) : n || ae : n || ho, e.label = e.label || (t ? to : eo);
		}
		if (qe || t > 0) {
			e.width = e.width == null ? 1 : e.width, e.paths = e.paths || cs || mi, e.fillTo = Z(e.fillTo || Mo), e.pxAlign = +X(e.pxAlign, h), e.pxRound = Lo(e.pxAlign), e.stroke = Z(e.stroke || null), e.fill = Z(e.fill || null), e._stroke = e._fill = e._paths = e._focus = null;
			let t = _o(ei(1, e.width), 1), n = e.points = Li({}, {
				size: t,
				width: ei(1, t * .2),
				stroke: e.stroke,
				space: t * 2,
				paths: ls,
				_stroke: null,
				_fill: null
			}, e.points);
			n.show = Z(n.show), n.filter = Z(n.filter), n.fill = Z(n.fill), n.stroke = Z(n.stroke), n.paths = Z(n.paths), n.pxAlign = e.pxAlign;
		}
		if (se) {
			let n = ge(e, t);
			le.splice(t, 0, n[0]), ue.splice(t, 0, n[1]), j.values.push(null);
		}
		if (N) {
			oe.splice(t, 0, null);
			let n = null;
			qe ? t == 0 && (n = Ze(e, t)) : t > 0 && (n = Ze(e, t)), Je.splice(t, 0, n), Ye.splice(t, 0, 0), Xe.splice(t, 0, 0);
		}
		ni("addSeries", t);
	}
	function $e(e, t) {
		t ??= v.length, e = i == 1 ? fs(e, t, no, So) : fs(e, t, {}, xo), v.splice(t, 0, e), Qe(v[t], t);
	}
	r.addSeries = $e;
	function et(e) {
		if (v.splice(e, 1), se) {
			j.values.splice(e, 1), ue.splice(e, 1);
			let t = le.splice(e, 1)[0];
			ye(null, t.firstChild), t.remove();
		}
		N && (oe.splice(e, 1), Je.splice(e, 1)[0].remove(), Ye.splice(e, 1), Xe.splice(e, 1)), ni("delSeries", e);
	}
	r.delSeries = et;
	let tt = [
		!1,
		!1,
		!1,
		!1
	];
	function nt(e, t) {
		if (e._show = e.show, e.show) {
			let n = e.side % 2, i = b[e.scale];
			i ??= (e.scale = n ? v[1].scale : S, b[e.scale]);
			let a = i.time;
			e.size = Z(e.size), e.space = Z(e.space), e.rotate = Z(e.rotate), Oi(e.incrs) && e.incrs.forEach((e) => {
				!Si.has(e) && Si.set(e, Ci(e));
			}), e.incrs = Z(e.incrs || (i.distr == 2 ? ca : a ? _ == 1 ? xa : wa : la)), e.splits = Z(e.splits || (a && i.distr == 1 ? re : i.distr == 3 ? ao : i.distr == 4 ? oo : io)), e.stroke = Z(e.stroke), e.grid.stroke = Z(e.grid.stroke), e.ticks.stroke = Z(e.ticks.stroke), e.border.stroke = Z(e.border.stroke);
			let o = e.values;
			e.values = Oi(o) && !Oi(o[0]) ? Z(o) : a ? Oi(o) ? Oa(te, Da(o, ne)) : ji(o) ? ka(te, o) : o || ie : o || ro, e.filter = Z(e.filter || (i.distr >= 3 && i.log == 10 ? po : i.distr == 3 && i.log == 2 ? mo : pi)), e.font = xs(e.font), e.labelFont = xs(e.labelFont), e._size = e.size(r, null, t, 0), e._space = e._rotate = e._incrs = e._found = e._splits = e._values = null, e._size > 0 && (tt[t] = !0, e._el = vr(jn, f));
		}
	}
	function rt(e, t, n, r) {
		let [i, a, o, s] = n, c = t % 2, l = 0;
		return c == 0 && (s || a) && (l = t == 0 && !i || t == 2 && !o ? Zr($a.size / 3) : 0), c == 1 && (i || o) && (l = t == 1 && !a || t == 3 && !s ? Zr(go.size / 2) : 0), l;
	}
	let it = r.padding = (e.padding || [
		rt,
		rt,
		rt,
		rt
	]).map((e) => Z(X(e, rt))), at = r._padding = it.map((e, t) => e(r, t, tt, 0)), ot, st = null, V = null, ct = i == 1 ? v[0].idxs : null, H = null, lt = !1;
	function ut(e, n) {
		if (t = e ?? [], r.data = r._data = t, i == 2) {
			ot = 0;
			for (let e = 1; e < v.length; e++) ot += t[e][0].length;
		} else {
			t.length == 0 && (r.data = r._data = t = [[]]), H = t[0], ot = H.length;
			let e = t;
			if (O == 2) {
				e = t.slice();
				let n = e[0] = Array(ot);
				for (let e = 0; e < ot; e++) n[e] = e;
			}
			r._data = t = e;
		}
		if (W(!0), ni("setData"), O == 2 && (Ne = !0), n !== !1) {
			let e = D;
			e.auto(r, lt) ? dt() : dn(S, e.min, e.max), Pe ||= M.left >= 0, Ie = !0, Ut();
		}
	}
	r.setData = ut;
	function dt() {
		lt = !0;
		let e, n;
		i == 1 && (ot > 0 ? (st = ct[0] = 0, V = ct[1] = ot - 1, e = t[0][st], n = t[0][V], O == 2 ? (e = st, n = V) : e == n && (O == 3 ? [e, n] = Ir(e, e, D.log, !1) : O == 4 ? [e, n] = Lr(e, e, D.log, !1) : D.time ? n = e + Zr(86400 / _) : [e, n] = Hr(e, n, Rr, !0))) : (st = ct[0] = e = null, V = ct[1] = n = null)), dn(S, e, n);
	}
	let ft, pt, mt, ht, gt, _t, vt, yt, bt, xt;
	function St(e, t, n, r, i, a) {
		e ??= Zn, n ??= Ei, r ??= "butt", i ??= Zn, a ??= "round", e != ft && (d.strokeStyle = ft = e), i != pt && (d.fillStyle = pt = i), t != mt && (d.lineWidth = mt = t), a != gt && (d.lineJoin = gt = a), r != _t && (d.lineCap = _t = r), n != ht && d.setLineDash(ht = n);
	}
	function Ct(e, t, n, r) {
		t != pt && (d.fillStyle = pt = t), e != vt && (d.font = vt = e), n != yt && (d.textAlign = yt = n), r != bt && (d.textBaseline = bt = r);
	}
	function wt(e, t, n, i, a = 0) {
		if (i.length > 0 && e.auto(r, lt) && (t == null || t.min == null)) {
			let t = X(st, 0), r = X(V, i.length - 1), o = n.min == null ? Fr(i, t, r, a, e.distr == 3) : [n.min, n.max];
			e.min = $r(e.min, n.min = o[0]), e.max = ei(e.max, n.max = o[1]);
		}
	}
	let Tt = {
		min: null,
		max: null
	};
	function Et() {
		for (let e in b) {
			let t = b[e];
			A[e] == null && (t.min == null || A[S] != null && t.auto(r, lt)) && (A[e] = Tt);
		}
		for (let e in b) {
			let t = b[e];
			A[e] == null && t.from != null && A[t.from] != null && (A[e] = Tt);
		}
		A[S] != null && W(!0);
		let e = {};
		for (let t in A) {
			let n = A[t];
			if (n != null) {
				let a = e[t] = Ii(b[t], Ni);
				if (n.min != null) Li(a, n);
				else if (t != S || i == 2) {
					if (ot == 0 && a.from == null) {
						let e = a.range(r, null, null, t);
						a.min = e[0], a.max = e[1];
					} else a.min = si, a.max = -Infinity;
				}
			}
		}
		if (ot > 0) {
			v.forEach((n, a) => {
				if (i == 1) {
					let i = n.scale, o = A[i];
					if (o == null) return;
					let s = e[i];
					if (a == 0) {
						let e = s.range(r, s.min, s.max, i);
						s.min = e[0], s.max = e[1], st = kr(s.min, t[0]), V = kr(s.max, t[0]), V - st > 1 && (t[0][st] < s.min && st++, t[0][V] > s.max && V--), n.min = H[st], n.max = H[V];
					} else n.show && n.auto && wt(s, o, n, t[a], n.sorted);
					n.idxs[0] = st, n.idxs[1] = V;
				} else if (a > 0 && n.show && n.auto) {
					let [r, i] = n.facets, o = r.scale, s = i.scale, [c, l] = t[a], u = e[o], d = e[s];
					u != null && wt(u, A[o], r, c, r.sorted), d != null && wt(d, A[s], i, l, i.sorted), n.min = i.min, n.max = i.max;
				}
			});
			for (let t in e) {
				let n = e[t], i = A[t];
				if (n.from == null && (i == null || i.min == null)) {
					let e = n.range(r, n.min == si ? null : n.min, n.max == -Infinity ? null : n.max, t);
					n.min = e[0], n.max = e[1];
				}
			}
		}
		for (let t in e) {
			let n = e[t];
			if (n.from != null) {
				let i = e[n.from];
				if (i.min == null) n.min = n.max = null;
				else {
					let e = n.range(r, i.min, i.max, t);
					n.min = e[0], n.max = e[1];
				}
			}
		}
		let n = {}, a = !1;
		for (let t in e) {
			let r = e[t], i = b[t];
			if (i.min != r.min || i.max != r.max) {
				i.min = r.min, i.max = r.max;
				let e = i.distr;
				i._min = e == 3 ? ri(i.min) : e == 4 ? oi(i.min, i.asinh) : e == 100 ? i.fwd(i.min) : i.min, i._max = e == 3 ? ri(i.max) : e == 4 ? oi(i.max, i.asinh) : e == 100 ? i.fwd(i.max) : i.max, n[t] = a = !0;
			}
		}
		if (a) {
			v.forEach((e, t) => {
				i == 2 ? t > 0 && n.y && (e._paths = null) : n[e.scale] && (e._paths = null);
			});
			for (let e in n) Ne = !0, ni("setScale", e);
			N && M.left >= 0 && (Pe = Ie = !0);
		}
		for (let e in A) A[e] = null;
	}
	function Dt(e) {
		let t = li(st - 1, 0, ot - 1), n = li(V + 1, 0, ot - 1);
		for (; e[t] == null && t > 0;) t--;
		for (; e[n] == null && n < ot - 1;) n++;
		return [t, n];
	}
	function Ot() {
		if (ot > 0) {
			let e = v.some((e) => e._focus) && xt != Ge.alpha;
			e && (d.globalAlpha = xt = Ge.alpha), v.forEach((e, n) => {
				if (n > 0 && e.show && (kt(n, !1), kt(n, !0), e._paths == null)) {
					let a = xt;
					xt != e.alpha && (d.globalAlpha = xt = e.alpha);
					let o = i == 2 ? [0, t[n][0].length - 1] : Dt(t[n]);
					e._paths = e.paths(r, n, o[0], o[1]), xt != a && (d.globalAlpha = xt = a);
				}
			}), v.forEach((e, t) => {
				if (t > 0 && e.show) {
					let n = xt;
					xt != e.alpha && (d.globalAlpha = xt = e.alpha), e._paths != null && At(t, !1);
					{
						let n = e._paths == null ? null : e._paths.gaps, i = e.points.show(r, t, st, V, n), a = e.points.filter(r, t, i, n);
						(i || a) && (e.points._paths = e.points.paths(r, t, st, V, a), At(t, !0));
					}
					xt != n && (d.globalAlpha = xt = n), ni("drawSeries", t);
				}
			}), e && (d.globalAlpha = xt = 1);
		}
	}
	function kt(e, t) {
		let n = t ? v[e].points : v[e];
		n._stroke = n.stroke(r, e), n._fill = n.fill(r, e);
	}
	function At(e, t) {
		let n = t ? v[e].points : v[e], { stroke: r, fill: i, clip: a, flags: o, _stroke: s = n._stroke, _fill: c = n._fill, _width: l = n.width } = n._paths;
		l = Q(l * J, 3);
		let u = null, f = l % 2 / 2;
		t && c == null && (c = l > 0 ? "#fff" : s);
		let p = n.pxAlign == 1 && f > 0;
		if (p && d.translate(f, f), !t) {
			let e = De - l / 2, t = Oe - l / 2, n = ke + l, r = Ae + l;
			u = new Path2D(), u.rect(e, t, n, r);
		}
		t ? Mt(s, l, n.dash, n.cap, c, r, i, o, a) : jt(e, s, l, n.dash, n.cap, c, r, i, o, u, a), p && d.translate(-f, -f);
	}
	function jt(e, n, i, a, o, s, c, l, u, d, f) {
		let p = !1;
		u != 0 && x.forEach((m, h) => {
			if (m.series[0] == e) {
				let e = v[m.series[1]], g = t[m.series[1]], _ = (e._paths || Ti).band;
				Oi(_) && (_ = m.dir == 1 ? _[0] : _[1]);
				let y, b = null;
				e.show && _ && Ur(g, st, V) ? (b = m.fill(r, h) || s, y = e._paths.clip) : _ = null, Mt(n, i, a, o, b, c, l, u, d, f, y, _), p = !0;
			}
		}), p || Mt(n, i, a, o, s, c, l, u, d, f);
	}
	function Mt(e, t, n, r, i, a, o, s, c, l, u, f) {
		St(e, t, n, r, i), (c || l || f) && (d.save(), c && d.clip(c), l && d.clip(l)), f ? (s & 3) == 3 ? (d.clip(f), u && d.clip(u), Pt(i, o), Nt(e, a, t)) : s & ko ? (Pt(i, o), d.clip(f), Nt(e, a, t)) : s & Oo && (d.save(), d.clip(f), u && d.clip(u), Pt(i, o), d.restore(), Nt(e, a, t)) : (Pt(i, o), Nt(e, a, t)), (c || l || f) && d.restore();
	}
	function Nt(e, t, n) {
		n > 0 && (t instanceof Map ? t.forEach((e, t) => {
			d.strokeStyle = ft = t, d.stroke(e);
		}) : t != null && e && d.stroke(t));
	}
	function Pt(e, t) {
		t instanceof Map ? t.forEach((e, t) => {
			d.fillStyle = pt = t, d.fill(e);
		}) : t != null && e && d.fill(t);
	}
	function Ft(e, t, n, i) {
		let a = y[e], o;
		if (i <= 0) o = [0, 0];
		else {
			let s = a._space = a.space(r, e, t, n, i);
			o = bs(t, n, a._incrs = a.incrs(r, e, t, n, i, s), i, s);
		}
		return a._found = o;
	}
	function It(e, t, n, r, i, a, o, s, c, l) {
		let u = o % 2 / 2;
		h == 1 && d.translate(u, u), St(s, o, c, l, s), d.beginPath();
		let f, p, m, g, _ = i + (r == 0 || r == 3 ? -a : a);
		n == 0 ? (p = i, g = _) : (f = i, m = _);
		for (let r = 0; r < e.length; r++) t[r] != null && (n == 0 ? f = m = e[r] : p = g = e[r], d.moveTo(f, p), d.lineTo(m, g));
		d.stroke(), h == 1 && d.translate(-u, -u);
	}
	function U(e) {
		let t = !0;
		return y.forEach((n, i) => {
			if (!n.show) return;
			let a = b[n.scale];
			if (a.min == null) {
				n._show && (t = !1, n._show = !1, W(!1));
				return;
			}
			n._show || (t = !1, n._show = !0, W(!1));
			let o = n.side, s = o % 2, { min: c, max: l } = a, [u, d] = Ft(i, c, l, s == 0 ? R : z);
			if (d == 0) return;
			let f = a.distr == 2, p = n._splits = n.splits(r, i, c, l, u, d, f), m = a.distr == 2 ? p.map((e) => H[e]) : p, h = a.distr == 2 ? H[p[1]] - H[p[0]] : u, g = n._values = n.values(r, n.filter(r, m, i, d, h), i, d, h);
			n._rotate = o == 2 ? n.rotate(r, g, i, d) : 0;
			let _ = n._size;
			n._size = Qr(n.size(r, g, i, e)), _ != null && n._size != _ && (t = !1);
		}), t;
	}
	function Lt(e) {
		let t = !0;
		return it.forEach((n, i) => {
			let a = n(r, i, tt, e);
			a != at[i] && (t = !1), at[i] = a;
		}), t;
	}
	function Rt() {
		for (let e = 0; e < y.length; e++) {
			let t = y[e];
			if (!t.show || !t._show) continue;
			let n = t.side, i = n % 2, a, o, c = t.stroke(r, e), l = n == 0 || n == 3 ? -1 : 1, [u, f] = t._found;
			if (t.label != null) {
				let s = t.labelGap * l, p = Zr((t._lpos + s) * J);
				Ct(t.labelFont[0], c, "center", n == 2 ? Kn : qn), d.save(), i == 1 ? (a = o = 0, d.translate(p, Zr(Oe + Ae / 2)), d.rotate((n == 3 ? -Jr : Jr) / 2)) : (a = Zr(De + ke / 2), o = p);
				let m = ui(t.label) ? t.label(r, e, u, f) : t.label;
				d.fillText(m, a, o), d.restore();
			}
			if (f == 0) continue;
			let p = b[t.scale], m = i == 0 ? ke : Ae, h = i == 0 ? De : Oe, _ = t._splits, v = p.distr == 2 ? _.map((e) => H[e]) : _, x = p.distr == 2 ? H[_[1]] - H[_[0]] : u, S = t.ticks, C = t.border, w = S.show ? S.size : 0, T = Zr(w * J), E = Zr((t.alignTo == 2 ? t._size - w - t.gap : t.gap) * J), D = t._rotate * -Jr / 180, O = g(t._pos * J), k = O + (T + E) * l;
			o = i == 0 ? k : 0, a = i == 1 ? k : 0;
			let ee = t.font[0];
			Ct(ee, c, t.align == 1 ? Jn : t.align == 2 ? Yn : D > 0 ? Jn : D < 0 ? Yn : i == 0 ? "center" : n == 3 ? Yn : Jn, D || i == 1 ? "middle" : n == 2 ? Kn : qn);
			let A = t.font[1] * t.lineGap, te = _.map((e) => g(s(e, p, m, h))), ne = t._values;
			for (let e = 0; e < ne.length; e++) {
				let t = ne[e];
				if (t != null) {
					i == 0 ? a = te[e] : o = te[e], t = "" + t;
					let n = t.indexOf("\n") == -1 ? [t] : t.split(/\n/gm);
					for (let e = 0; e < n.length; e++) {
						let t = n[e];
						D ? (d.save(), d.translate(a, o + e * A), d.rotate(D), d.fillText(t, 0, 0), d.restore()) : d.fillText(t, a, o + e * A);
					}
				}
			}
			S.show && It(te, S.filter(r, v, e, f, x), i, n, O, T, Q(S.width * J, 3), S.stroke(r, e), S.dash, S.cap);
			let re = t.grid;
			re.show && It(te, re.filter(r, v, e, f, x), i, i == 0 ? 2 : 1, i == 0 ? Oe : De, i == 0 ? Ae : ke, Q(re.width * J, 3), re.stroke(r, e), re.dash, re.cap), C.show && It([O], [1], +(i == 0), i == 0 ? 1 : 2, i == 1 ? Oe : De, i == 1 ? Ae : ke, Q(C.width * J, 3), C.stroke(r, e), C.dash, C.cap);
		}
		ni("drawAxes");
	}
	function W(e) {
		v.forEach((t, n) => {
			n > 0 && (t._paths = null, e && (i == 1 ? (t.min = null, t.max = null) : t.facets.forEach((e) => {
				e.min = null, e.max = null;
			})));
		});
	}
	let zt = !1, Bt = !1, Vt = [];
	function Ht() {
		Bt = !1;
		for (let e = 0; e < Vt.length; e++) ni(...Vt[e]);
		Vt.length = 0;
	}
	function Ut() {
		zt ||= (Ui(Gt), !0);
	}
	function Wt(e, t = !1) {
		zt = !0, Bt = t, e(r), Gt(), t && Vt.length > 0 && queueMicrotask(Ht);
	}
	r.batch = Wt;
	function Gt() {
		if (je &&= (Et(), !1), Ne &&= (ze(), !1), Me) {
			if (Y(p, Jn, Se), Y(p, Kn, B), Y(p, Wn, R), Y(p, Gn, z), Y(m, Jn, Se), Y(m, Kn, B), Y(m, Wn, R), Y(m, Gn, z), Y(f, Wn, be), Y(f, Gn, xe), u.width = Zr(be * J), u.height = Zr(xe * J), y.forEach(({ _el: e, _show: t, _size: n, _pos: r, side: i }) => {
				if (e != null) {
					if (t) {
						let t = i === 3 || i === 0 ? n : 0, a = i % 2 == 1;
						Y(e, a ? "left" : "top", r - t), Y(e, a ? "width" : "height", n), Y(e, a ? "top" : "left", a ? B : Se), Y(e, a ? "height" : "width", a ? z : R), gr(e, Mn);
					} else hr(e, Mn);
				}
			}), ft = pt = mt = gt = _t = vt = yt = bt = ht = null, xt = 1, xr(!0), Se != Ce || B != we || R != Te || z != Ee) {
				W(!1);
				let e = R / Te, t = z / Ee;
				if (N && !Pe && M.left >= 0) {
					M.left *= e, M.top *= t, Yt && br(Yt, Zr(M.left), 0, R, z), Xt && br(Xt, 0, Zr(M.top), R, z);
					for (let n = 0; n < Je.length; n++) {
						let r = Je[n];
						r != null && (Ye[n] *= e, Xe[n] *= t, br(r, Qr(Ye[n]), Qr(Xe[n]), R, z));
					}
				}
				if (q.show && !Fe && q.left >= 0 && q.width > 0) {
					q.left *= e, q.width *= e, q.top *= t, q.height *= t;
					for (let e in Er) Y(cn, e, q[e]);
				}
				Ce = Se, we = B, Te = R, Ee = z;
			}
			ni("setSize"), Me = !1;
		}
		be > 0 && xe > 0 && (d.clearRect(0, 0, u.width, u.height), ni("drawClear"), w.forEach((e) => e()), ni("draw")), q.show && Fe && (ln(q), Fe = !1), N && Pe && (mr(null, !0, !1), Pe = !1), j.show && j.live && Ie && (fr(), Ie = !1), c || (c = !0, r.status = 1, ni("ready")), lt = !1, zt = !1;
	}
	r.redraw = (e, t) => {
		Ne = t || !1, e === !1 ? Ut() : dn(S, D.min, D.max);
	};
	function Kt(e, n) {
		let i = b[e];
		if (i.from == null) {
			if (ot == 0) {
				let t = i.range(r, n.min, n.max, e);
				n.min = t[0], n.max = t[1];
			}
			if (n.min > n.max) {
				let e = n.min;
				n.min = n.max, n.max = e;
			}
			if (ot > 1 && n.min != null && n.max != null && n.max - n.min < 1e-16) return;
			e == S && i.distr == 2 && ot > 0 && (n.min = kr(n.min, t[0]), n.max = kr(n.max, t[0]), n.min == n.max && n.max++), A[e] = n, je = !0, Ut();
		}
	}
	r.setScale = Kt;
	let qt, Jt, Yt, Xt, Zt, Qt, $t, en, tn, nn, G, K, rn = !1, an = M.drag, on = an.x, sn = an.y;
	N && (M.x && (qt = vr(Pn, m)), M.y && (Jt = vr(Fn, m)), D.ori == 0 ? (Yt = qt, Xt = Jt) : (Yt = Jt, Xt = qt), G = M.left, K = M.top);
	let q = r.select = Li({
		show: !0,
		over: !0,
		left: 0,
		width: 0,
		top: 0,
		height: 0
	}, e.select), cn = q.show ? vr(Nn, q.over ? m : p) : null;
	function ln(e, t) {
		if (q.show) {
			for (let t in e) q[t] = e[t], t in Er && Y(cn, t, e[t]);
			t !== !1 && ni("setSelect");
		}
	}
	r.setSelect = ln;
	function un(e) {
		if (v[e].show) se && gr(le[e], Mn);
		else if (se && hr(le[e], Mn), N) {
			let t = qe ? Je[0] : Je[e];
			t != null && br(t, -10, -10, R, z);
		}
	}
	function dn(e, t, n) {
		Kt(e, {
			min: t,
			max: n
		});
	}
	function fn(e, t, n, a) {
		t.focus != null && xn(e), t.show != null && v.forEach((n, r) => {
			r > 0 && (e == r || e == null) && (n.show = t.show, un(r), i == 2 ? (dn(n.facets[0].scale, null, null), dn(n.facets[1].scale, null, null)) : dn(n.scale, null, null), Ut());
		}), n !== !1 && ni("setSeries", e, t), a && _i("setSeries", r, e, t);
	}
	r.setSeries = fn;
	function pn(e, t) {
		Li(x[e], t);
	}
	function mn(e, t) {
		e.fill = Z(e.fill || null), e.dir = X(e.dir, -1), t ??= x.length, x.splice(t, 0, e);
	}
	function hn(e) {
		e == null ? x.length = 0 : x.splice(e, 1);
	}
	r.addBand = mn, r.setBand = pn, r.delBand = hn;
	function gn(e, t) {
		v[e].alpha = t, N && Je[e] != null && (Je[e].style.opacity = t), se && le[e] && (le[e].style.opacity = t);
	}
	let _n, vn, yn, bn = { focus: !0 };
	function xn(e) {
		if (e != yn) {
			let t = e == null, n = Ge.alpha != 1;
			v.forEach((r, a) => {
				if (i == 1 || a > 0) {
					let i = t || a == 0 || a == e;
					r._focus = t ? null : i, n && gn(a, i ? 1 : Ge.alpha);
				}
			}), yn = e, n && Ut();
		}
	}
	se && Ke && ve(nr, F, (e) => {
		M._lock || (Ue(e), yn != null && fn(null, bn, !0, ci.setSeries));
	});
	function Sn(e, t, n) {
		let r = b[t];
		n && (e = e / J - (r.ori == 1 ? B : Se));
		let i = R;
		r.ori == 1 && (i = z, e = i - e), r.dir == -1 && (e = i - e);
		let a = r._min, o = r._max, s = e / i, c = a + (o - a) * s, l = r.distr;
		return l == 3 ? ti(10, c) : l == 4 ? ai(c, r.asinh) : l == 100 ? r.bwd(c) : c;
	}
	function Cn(e, n) {
		return kr(Sn(e, S, n), t[0], st, V);
	}
	r.valToIdx = (e) => kr(e, t[0]), r.posToIdx = Cn, r.posToVal = Sn, r.valToPos = (e, t, n) => b[t].ori == 0 ? a(e, b[t], n ? ke : R, n ? De : 0) : o(e, b[t], n ? Ae : z, n ? Oe : 0), r.setCursor = (e, t, n) => {
		G = e.left, K = e.top, mr(null, t, n);
	};
	function Xn(e, t) {
		Y(cn, Jn, q.left = e), Y(cn, Wn, q.width = t);
	}
	function ir(e, t) {
		Y(cn, Kn, q.top = e), Y(cn, Gn, q.height = t);
	}
	let ar = D.ori == 0 ? Xn : ir, or = D.ori == 1 ? Xn : ir;
	function lr() {
		if (se && j.live) for (let e = +(i == 2); e < v.length; e++) {
			if (e == 0 && fe) continue;
			let t = j.values[e], n = 0;
			for (let r in t) ue[e][n++].firstChild.nodeValue = t[r];
		}
	}
	function fr(e, t) {
		if (e != null && (e.idxs ? e.idxs.forEach((e, t) => {
			oe[t] = e;
		}) : Ai(e.idx) || oe.fill(e.idx), j.idx = oe[0]), se && j.live) {
			for (let e = 0; e < v.length; e++) (e > 0 || i == 1 && !fe) && pr(e, oe[e]);
			lr();
		}
		Ie = !1, t !== !1 && ni("setLegend");
	}
	r.setLegend = fr;
	function pr(e, n) {
		let i = v[e], a = e == 0 && O == 2 ? H : t[e], o;
		fe ? o = i.values(r, e, n) ?? pe : (o = i.value(r, n == null ? null : a[n], e, n), o = o == null ? pe : { _: o }), j.values[e] = o;
	}
	function mr(e, n, a) {
		tn = G, nn = K, [G, K] = M.move(r, G, K), M.left = G, M.top = K, N && (Yt && br(Yt, Zr(G), 0, R, z), Xt && br(Xt, 0, Zr(K), R, z));
		let o, s = st > V;
		_n = si, vn = null;
		let c = D.ori == 0 ? R : z, l = D.ori == 1 ? R : z;
		if (G < 0 || ot == 0 || s) {
			o = M.idx = null;
			for (let e = 0; e < v.length; e++) {
				let t = Je[e];
				t != null && br(t, -10, -10, R, z);
			}
			Ke && fn(null, bn, !0, e == null && ci.setSeries), j.live && (oe.fill(o), Ie = !0);
		} else {
			let e, n, a;
			i == 1 && (e = D.ori == 0 ? G : K, n = Sn(e, S), o = M.idx = kr(n, t[0], st, V), a = k(t[0][o], D, c, 0));
			let s = -10, u = -10, d = 0, f = 0, p = !0, m = "", h = "";
			for (let e = +(i == 2); e < v.length; e++) {
				let g = v[e], _ = oe[e], y = _ == null ? null : i == 1 ? t[e][_] : t[e][1][_], x = M.dataIdx(r, e, o, n), S = x == null ? null : i == 1 ? t[e][x] : t[e][1][x];
				if (Ie = Ie || S != y || x != _, oe[e] = x, e > 0 && g.show) {
					let n = x == null ? -10 : x == o ? a : k(i == 1 ? t[0][x] : t[e][0][x], D, c, 0), _ = S == null ? -10 : ee(S, i == 1 ? b[g.scale] : b[g.facets[1].scale], l, 0);
					if (Ke && S != null) {
						let t = D.ori == 1 ? G : K, n = Yr(Ge.dist(r, e, x, _, t));
						if (n < _n) {
							let r = Ge.bias;
							if (r != 0) {
								let i = Sn(t, g.scale), a = S >= 0 ? 1 : -1, o = i >= 0 ? 1 : -1;
								o == a && (o == 1 ? r == 1 ? S >= i : S <= i : r == 1 ? S <= i : S >= i) && (_n = n, vn = e);
							} else _n = n, vn = e;
						}
					}
					if (Ie || qe) {
						let t, i;
						D.ori == 0 ? (t = n, i = _) : (t = _, i = n);
						let a, o, c, l, g, v, y = !0, b = We.bbox;
						if (b != null) {
							y = !1;
							let t = b(r, e);
							c = t.left, l = t.top, a = t.width, o = t.height;
						} else c = t, l = i, a = o = We.size(r, e);
						if (v = We.fill(r, e), g = We.stroke(r, e), qe) e == vn && _n <= Ge.prox && (s = c, u = l, d = a, f = o, p = y, m = v, h = g);
						else {
							let t = Je[e];
							t != null && (Ye[e] = c, Xe[e] = l, wr(t, a, o, y), Sr(t, v, g), br(t, Qr(c), Qr(l), R, z));
						}
					}
				}
			}
			if (qe) {
				let e = Ge.prox;
				if (Ie || (yn == null ? _n <= e : _n > e || vn != yn)) {
					let e = Je[0];
					e != null && (Ye[0] = s, Xe[0] = u, wr(e, d, f, p), Sr(e, m, h), br(e, Qr(s), Qr(u), R, z));
				}
			}
		}
		if (q.show && rn) {
			if (e != null) {
				let [t, n] = ci.scales, [r, i] = ci.match, [a, o] = e.cursor.sync.scales, s = e.cursor.drag;
				if (on = s._x, sn = s._y, on || sn) {
					let { left: s, top: u, width: d, height: f } = e.select, p = e.scales[a].ori, m = e.posToVal, h, g, _, v, y, x = t != null && r(t, a), S = n != null && i(n, o);
					x && on ? (p == 0 ? (h = s, g = d) : (h = u, g = f), _ = b[t], v = k(m(h, a), _, c, 0), y = k(m(h + g, a), _, c, 0), ar($r(v, y), Yr(y - v))) : ar(0, c), S && sn ? (p == 1 ? (h = s, g = d) : (h = u, g = f), _ = b[n], v = ee(m(h, o), _, l, 0), y = ee(m(h + g, o), _, l, 0), or($r(v, y), Yr(y - v))) : or(0, l);
				} else Ar();
			} else {
				let e = Yr(tn - Zt), t = Yr(nn - Qt);
				if (D.ori == 1) {
					let n = e;
					e = t, t = n;
				}
				on = an.x && e >= an.dist, sn = an.y && t >= an.dist;
				let n = an.uni;
				n == null ? an.x && an.y && (on || sn) && (on = sn = !0) : on && sn && (on = e >= n, sn = t >= n, !on && !sn && (t > e ? sn = !0 : on = !0));
				let r, i;
				on && (D.ori == 0 ? (r = $t, i = G) : (r = en, i = K), ar($r(r, i), Yr(i - r)), sn || or(0, l)), sn && (D.ori == 1 ? (r = $t, i = G) : (r = en, i = K), or($r(r, i), Yr(i - r)), on || ar(0, c)), !on && !sn && (ar(0, 0), or(0, 0));
			}
		}
		if (an._x = on, an._y = sn, e == null) {
			if (a) {
				if (di != null) {
					let [e, t] = ci.scales;
					ci.values[0] = e == null ? null : Sn(D.ori == 0 ? G : K, e), ci.values[1] = t == null ? null : Sn(D.ori == 1 ? G : K, t);
				}
				_i(Qn, r, G, K, R, z, o);
			}
			if (Ke) {
				let e = a && ci.setSeries, t = Ge.prox;
				yn == null ? _n <= t && fn(vn, bn, !0, e) : _n > t ? fn(null, bn, !0, e) : vn != yn && fn(vn, bn, !0, e);
			}
		}
		Ie && (j.idx = o, fr()), n !== !1 && ni("setCursor");
	}
	let yr = null;
	Object.defineProperty(r, "rect", { get() {
		return yr ?? xr(!1), yr;
	} });
	function xr(e = !1) {
		e ? yr = null : (yr = m.getBoundingClientRect(), ni("syncRect", yr));
	}
	function Cr(e, t, n, r, i, a, o) {
		M._lock || rn && e != null && e.movementX == 0 && e.movementY == 0 || (Tr(e, t, n, r, i, a, o, !1, e != null), e == null ? mr(t, !0, !1) : mr(null, !0, !0));
	}
	function Tr(e, t, n, i, a, o, c, l, u) {
		if (yr ?? xr(!1), Ue(e), e != null) n = e.clientX - yr.left, i = e.clientY - yr.top;
		else {
			if (n < 0 || i < 0) {
				G = -10, K = -10;
				return;
			}
			let [e, r] = ci.scales, c = t.cursor.sync, [l, u] = c.values, [d, f] = c.scales, [p, m] = ci.match, h = t.axes[0].side % 2 == 1, g = D.ori == 0 ? R : z, _ = D.ori == 1 ? R : z, v = h ? o : a, y = h ? a : o, x = h ? i : n, S = h ? n : i;
			if (n = d == null ? x / v * g : p(e, d) ? s(l, b[e], g, 0) : -10, i = f == null ? S / y * _ : m(r, f) ? s(u, b[r], _, 0) : -10, D.ori == 1) {
				let e = n;
				n = i, i = e;
			}
		}
		u && (t == null || t.cursor.event.type == Qn) && ((n <= 1 || n >= R - 1) && (n = yi(n, R)), (i <= 1 || i >= z - 1) && (i = yi(i, z))), l ? (Zt = n, Qt = i, [$t, en] = M.move(r, n, i)) : (G = n, K = i);
	}
	let Er = {
		width: 0,
		height: 0,
		left: 0,
		top: 0
	};
	function Ar() {
		ln(Er, !1);
	}
	let jr, Mr, Nr, Pr;
	function Br(e, t, n, i, a, o, s) {
		rn = !0, on = sn = an._x = an._y = !1, Tr(e, t, n, i, a, o, s, !0, !1), e != null && (ve(er, ur, Vr, !1), _i($n, r, $t, en, R, z, null));
		let { left: c, top: l, width: u, height: d } = q;
		jr = c, Mr = l, Nr = u, Pr = d;
	}
	function Vr(e, t, n, i, a, o, s) {
		rn = an._x = an._y = !1, Tr(e, t, n, i, a, o, s, !1, !0);
		let { left: c, top: l, width: u, height: d } = q, f = u > 0 || d > 0, p = jr != c || Mr != l || Nr != u || Pr != d;
		if (f && p && ln(q), an.setScale && f && p) {
			let e = c, t = u, n = l, r = d;
			if (D.ori == 1 && (e = l, t = d, n = c, r = u), on && dn(S, Sn(e, S), Sn(e + t, S)), sn) for (let e in b) {
				let t = b[e];
				e != S && t.from == null && t.min != si && dn(e, Sn(n + r, e), Sn(n, e));
			}
			Ar();
		} else M.lock && (M._lock = !M._lock, mr(t, !0, e != null));
		e != null && (ye(er, ur), _i(er, r, G, K, R, z, null));
	}
	function Wr(e, t, n, r, i, a, o) {
		if (M._lock) return;
		Ue(e);
		let s = rn;
		if (rn) {
			let e = !0, t = !0, n, r;
			D.ori == 0 ? (n = on, r = sn) : (n = sn, r = on), n && r && (e = G <= 10 || G >= R - 10, t = K <= 10 || K >= z - 10), n && e && (G = G < $t ? 0 : R), r && t && (K = K < en ? 0 : z), mr(null, !0, !0), rn = !1;
		}
		G = -10, K = -10, oe.fill(null), mr(null, !0, !0), s && (rn = s);
	}
	function Gr(e, t, n, i, a, o, s) {
		M._lock || (Ue(e), dt(), Ar(), e != null && _i(rr, r, G, K, R, z, null));
	}
	function Kr() {
		y.forEach(Ss), Le(r.width, r.height, !0);
	}
	Dr(sr, dr, Kr);
	let qr = {};
	qr.mousedown = Br, qr.mousemove = Cr, qr.mouseup = Vr, qr.dblclick = Gr, qr.setSeries = (e, t, n, i) => {
		let a = ci.match[2];
		n = a(r, t, n), n != -1 && fn(n, i, !0, !1);
	}, N && (ve($n, m, Br), ve(Qn, m, Cr), ve(tr, m, (e) => {
		Ue(e), xr(!1);
	}), ve(nr, m, Wr), ve(rr, m, Gr), os.add(r), r.syncRect = xr);
	let Xr = r.hooks = e.hooks || {};
	function ni(e, t, n) {
		Bt ? Vt.push([
			e,
			t,
			n
		]) : e in Xr && Xr[e].forEach((e) => {
			e.call(null, r, t, n);
		});
	}
	(e.plugins || []).forEach((e) => {
		for (let t in e.hooks) Xr[t] = (Xr[t] || []).concat(e.hooks[t]);
	});
	let ii = (e, t, n) => n, ci = Li({
		key: null,
		setSeries: !1,
		filters: {
			pub: hi,
			sub: hi
		},
		scales: [S, v[1] ? v[1].scale : null],
		match: [
			gi,
			gi,
			ii
		],
		values: [null, null]
	}, M.sync);
	ci.match.length == 2 && ci.match.push(ii), M.sync = ci;
	let di = ci.key, fi = Do(di);
	function _i(e, t, n, r, i, a, o) {
		ci.filters.pub(e, t, n, r, i, a, o) && fi.pub(e, t, n, r, i, a, o);
	}
	fi.sub(r);
	function vi(e, t, n, r, i, a, o) {
		ci.filters.sub(e, t, n, r, i, a, o) && qr[e](null, t, n, r, i, a, o);
	}
	r.pub = vi;
	function bi() {
		fi.unsub(r), os.delete(r), _e.clear(), Or(sr, dr, Kr), l.remove(), F?.remove(), ni("destroy");
	}
	r.destroy = bi;
	function xi() {
		ni("init", e, t), ut(t || e.data, !1), A[S] ? Kt(S, A[S]) : dt(), Fe = q.show && (q.width > 0 || q.height > 0), Pe = Ie = !0, Le(e.width, e.height);
	}
	return v.forEach(Qe), y.forEach(nt), n ? n instanceof HTMLElement ? (n.appendChild(l), xi()) : n(r, xi) : xi(), r;
}
Cs.assign = Li, Cs.fmtNum = Kr, Cs.rangeNum = Hr, Cs.rangeLog = Ir, Cs.rangeAsinh = Lr, Cs.orient = Ao, Cs.pxRatio = J, Cs.join = Hi, Cs.fmtDate = ta, Cs.tzDate = ra, Cs.sync = Do;
{
	Cs.addGap = Fo, Cs.clipGaps = Po;
	let e = Cs.paths = { points: Yo };
	e.linear = $o, e.stepped = es, e.bars = ns, e.spline = is;
}
// src/chart.tsx
var ws = 12, [Ts, Es] = [48, 48], Ds = (e) => getComputedStyle(document.documentElement).getPropertyValue(e).trim(), Os = (e) => Math.abs(e) >= 1e6 ? `${+(e / 1e6).toPrecision(4)} M` : Math.abs(e) >= 1e4 ? `${+(e / 1e3).toPrecision(4)} k` : V(e);
function ks(e) {
	let [t, n] = Pt(), r = B(null), i = B(e);
	i.current = e;
	let [a, o] = xe(null);
	Se(() => {
		if (!n || !t.current) return;
		let a = new Cs(Ls(i, n, o), Is(e), t.current);
		return r.current = a, () => a.destroy();
	}, [
		n,
		JSON.stringify([
			e.timesteps,
			e.series,
			e.fans
		]),
		e.theme,
		e.height
	]), z(() => r.current?.redraw(!1), [e.marked]);
	let s = e.timesteps, c = a ?? s.indexOf(e.marked ?? NaN), l = (t) => {
		let n = s.indexOf(e.marked ?? NaN), r = s[Math.min(Math.max((n < 0 ? s.length - 1 : n) + t, 0), s.length - 1)];
		r !== void 0 && e.onPick(r);
	};
	return /* @__PURE__ */ U("div", {
		class: "chart",
		children: [
			e.flags && /* @__PURE__ */ U("div", {
				class: "flags",
				children: n > 0 && e.flags.map((t) => /* @__PURE__ */ U("button", {
					type: "button",
					class: `flag ${t.kind}`,
					style: { left: `${100 * (Ts + Fs(s, t.timestep) * (n - Ts - Es)) / n}%` },
					title: t.title,
					"aria-label": `Event at timestep ${V(t.timestep)}: ${t.title}`,
					onClick: () => e.onPick(t.timestep),
					children: t.count > 1 ? t.count : "⚑"
				}, t.timestep))
			}),
			/* @__PURE__ */ U("div", {
				ref: t,
				role: "slider",
				tabIndex: 0,
				"aria-label": e.label,
				"aria-valuemin": s[0] ?? 0,
				"aria-valuemax": s.at(-1) ?? 0,
				"aria-valuenow": e.marked ?? s.at(-1) ?? 0,
				"aria-valuetext": Ns(e, s.indexOf(e.marked ?? NaN)),
				onKeyDown: (e) => {
					let t = {
						ArrowLeft: -1,
						ArrowRight: 1,
						Home: -Infinity,
						End: Infinity
					}[e.key];
					t !== void 0 && (e.preventDefault(), e.stopPropagation(), l(t));
				},
				style: { height: `${e.height}px` }
			}),
			/* @__PURE__ */ U(As, {
				...e,
				at: c
			})
		]
	});
}
function As(e) {
	let t = e.timesteps[e.at];
	return /* @__PURE__ */ U("p", {
		class: "readout",
		"aria-hidden": "true",
		children: [/* @__PURE__ */ U("b", { children: t === void 0 ? "" : `t = ${V(t)}` }), js(e.series, e.at).map((t) => /* @__PURE__ */ U("span", { children: [
			/* @__PURE__ */ U("i", {
				class: "swatch",
				style: { background: t.colour }
			}),
			t.label,
			" ",
			/* @__PURE__ */ U("b", { children: Ms(e, t, e.at) })
		] }, t.label))]
	});
}
function js(e, t) {
	let n = e.filter((e) => !e.silent);
	return n.length > ws ? n.filter((e) => (e.said ?? e.values)[t]) : n;
}
function Ms(e, t, n) {
	let r = (t.said ?? t.values)[n];
	return r == null ? "–" : (t.right && e.formatRight ? e.formatRight : e.format)(r);
}
function Ns(e, t) {
	let n = e.timesteps[t];
	if (n === void 0) return "no round chosen";
	let r = js(e.series, t).map((n) => `${n.label} ${Ms(e, n, t)}`);
	return `timestep ${V(n)}: ${r.join(", ")}`;
}
function Ps(e) {
	let [t, n] = [e[0] ?? 0, e.at(-1) ?? 0];
	return t < n ? [t, n] : [t - 1, t + 1];
}
function Fs(e, t) {
	let [n, r] = Ps(e);
	return (t - n) / (r - n);
}
var Is = (e) => [e.timesteps, ...e.series.map((e) => e.values)];
function Ls(e, t, n) {
	let r = e.current, [i, a] = [Ds("--quiet"), Ds("--grid")], o = {
		stroke: i,
		grid: {
			stroke: a,
			width: 1
		},
		ticks: {
			stroke: a,
			size: 4
		},
		font: "11px system-ui"
	}, s = r.timesteps.length < 2, [c, l] = Ps(r.timesteps), u = r.series.some((e) => e.right);
	return {
		width: t,
		height: r.height,
		padding: [
			8,
			u ? 0 : Es,
			0,
			0
		],
		legend: { show: !1 },
		cursor: {
			y: !1,
			drag: {
				x: !1,
				y: !1
			},
			points: { size: 5 }
		},
		scales: {
			x: {
				time: !1,
				range: () => [c, l]
			},
			y: r.range ? { range: () => r.range } : {},
			...u ? { r: {} } : {}
		},
		axes: [
			{
				...o,
				size: 26,
				values: (e, t) => t.map((e) => s && e !== r.timesteps[0] ? "" : Os(e))
			},
			{
				...o,
				size: Ts,
				values: (e, t) => t.map(r.format)
			},
			...u ? [{
				...o,
				scale: "r",
				side: 1,
				size: Es,
				grid: { show: !1 },
				values: (e, t) => t.map(r.formatRight ?? String)
			}] : []
		],
		series: [{}, ...r.series.map((e) => Rs(e, s))],
		bands: [...r.series.flatMap((e, t) => {
			let n = r.series.findIndex((e, n) => n > t && e.filled);
			return e.filled && n > 0 ? [{
				series: [t + 1, n + 1],
				fill: e.colour
			}] : [];
		}), ...(r.fans ?? []).map(([e, t, n]) => ({
			series: [e + 1, t + 1],
			fill: n
		}))],
		hooks: {
			setCursor: [(e) => n(e.cursor.idx ?? null)],
			draw: [(t) => zs(t, e.current.marked)],
			ready: [(t) => t.over.addEventListener("click", () => {
				let n = e.current.timesteps[t.cursor.idx ?? -1];
				n !== void 0 && e.current.onPick(n);
			})]
		}
	};
}
function Rs(e, t) {
	return {
		label: e.label,
		scale: e.right ? "r" : "y",
		stroke: e.filled ? Ds("--card") : e.colour,
		width: e.width ?? (e.filled ? 1 : 2),
		points: {
			show: t,
			size: 8,
			fill: e.colour,
			stroke: e.colour
		},
		spanGaps: !e.filled,
		...e.filled ? { fill: e.colour } : {}
	};
}
function zs(e, t) {
	if (t === void 0) return;
	let n = e.valToPos(t, "x", !0), { ctx: r, bbox: i } = e;
	r.save(), r.strokeStyle = Ds("--ink"), r.lineWidth = 1.5 * devicePixelRatio, r.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]), r.beginPath(), r.moveTo(n, i.top), r.lineTo(n, i.top + i.height), r.stroke(), r.restore();
}
// src/strategies.tsx
function Bs(e) {
	let { index: t, round: n, source: r } = e, i = kt(r, t, "play", n.timestep), a = i && "value" in i && i.value.header.timestep === n.timestep ? i.value : null, o = n.strategies?.not_enough, s = a?.header.strategies;
	return /* @__PURE__ */ U(Lt, {
		id: "strategies",
		title: "Strategies",
		aside: s && /* @__PURE__ */ U("span", {
			class: "small",
			children: [
				"clusters of the maps of what it ",
				s.target === "advantage" ? "decides by" : "values",
				" (SpRAy)"
			]
		}),
		children: [o ? /* @__PURE__ */ U(W, { children: [
			"No clusters in this round: ",
			o,
			"."
		] }) : a && s ? /* @__PURE__ */ U(Vs, {
			...e,
			picture: a
		}, a.address) : a ? /* @__PURE__ */ U(W, { children: "This round has no embedding of its maps." }) : t.parts.play?.[n.timestep] ? /* @__PURE__ */ U(zt, {
			state: i,
			missing: "Loading …"
		}) : /* @__PURE__ */ U(W, { children: "There is no embedding of this round: it has no pictures here." }), /* @__PURE__ */ U(Xs, { ...e })]
	});
}
function Vs(e) {
	let { picture: t, change: n, view: r } = e, { header: i } = t, a = i.strategies, o = a.points.flatMap((e, t) => e ? [t] : []), [s, c] = xe(null), l = Ot(async () => {
		let e = (e) => t.has(e) ? t.layer(e) : null, [n, r, i, o] = await Promise.all([
			t.array("screen"),
			t.layer(`relevance/${a.target}`),
			e("strategies/mean"),
			e("strategies/explanation")
		]);
		return {
			screen: n,
			layer: r,
			mean: i,
			explanation: o
		};
	}, [t]), u = l && "value" in l ? l.value : null, d = (e) => {
		n({
			part: "play",
			frame: e,
			panels: r.panels
		}), document.getElementById("player")?.scrollIntoView({ block: "nearest" });
	}, f = s ?? (r.part === "play" ? r.frame : o[0] ?? 0);
	return /* @__PURE__ */ U("div", {
		class: "clusters",
		children: [
			/* @__PURE__ */ U(Js, {
				header: i,
				shown: o,
				current: f,
				theme: e.theme,
				onHover: c,
				onPick: d
			}),
			/* @__PURE__ */ U("div", {
				class: "preview",
				children: [u ? /* @__PURE__ */ U(Kt, {
					header: i,
					screen: u.screen,
					elements: null,
					grid: He(u.layer, f),
					frame: f,
					look: r,
					label: Hs(i, f),
					zoom: 2
				}) : /* @__PURE__ */ U("div", { class: "screen empty" }), /* @__PURE__ */ U("p", {
					class: "small",
					"aria-live": "polite",
					children: Hs(i, f)
				})]
			}),
			/* @__PURE__ */ U("ul", {
				class: "cluster-list",
				children: a.clusters.map((e, t) => /* @__PURE__ */ U(Ws, {
					cluster: e,
					header: i,
					onPlay: d,
					children: u && /* @__PURE__ */ U(Us, {
						place: t,
						cluster: e,
						header: i,
						frames: u,
						look: r
					})
				}, e.id))
			})
		]
	});
}
function Hs(e, t) {
	let n = e.strategies, r = n.clusters[n.labels[t] ?? -1];
	return `${r ? `${r.id}: ${r.name}` : "no strategy"} · step ${V(e.step[t] ?? 0)} · score ${e.score[t] ?? 0}`;
}
function Us(e) {
	let { place: t, cluster: n, header: r, frames: i } = e, a = {
		...e.look,
		sign: "both",
		outlines: !1
	}, o = `${n.id}: ${n.name}`;
	return /* @__PURE__ */ U("span", {
		class: "cluster-maps",
		children: [{
			layer: i.mean,
			title: "Mean map",
			label: `Mean map of strategy ${o}`
		}, {
			layer: i.explanation,
			title: "Why it is here",
			label: `What puts frame ${n.typical[0] + 1} into strategy ${o}`
		}].map(({ layer: e, title: o, label: s }) => e && /* @__PURE__ */ U("span", {
			class: "small",
			children: [o, /* @__PURE__ */ U(Kt, {
				header: r,
				screen: i.screen,
				elements: null,
				grid: He(e, t),
				frame: n.typical[0],
				look: a,
				label: s,
				zoom: 1
			})]
		}, o))
	});
}
function Ws(e) {
	let { cluster: t, header: n } = e, r = Object.entries(t.profile), i = ze(n.elements);
	return /* @__PURE__ */ U("li", { children: [
		/* @__PURE__ */ U(Ut, { colour: Ve(t.id) }),
		/* @__PURE__ */ U("b", { children: [
			t.id,
			": ",
			t.name
		] }),
		" ",
		/* @__PURE__ */ U("span", {
			class: "number",
			children: H(t.occupancy)
		}),
		" of the frames",
		r.length > 0 && /* @__PURE__ */ U("span", {
			class: "stack-bar",
			role: "img",
			"aria-label": r.map(([e, t]) => `${e} ${H(t)}`).join(", "),
			children: r.map(([e, t]) => /* @__PURE__ */ U("i", {
				title: `${e} ${H(t)}`,
				style: {
					width: `${100 * t}%`,
					background: i[e]
				}
			}, e))
		}),
		e.children,
		/* @__PURE__ */ U("span", {
			class: "small",
			children: [
				t.in_pixels && "The raw frames give this cluster as well: it says little of the agent. ",
				"Typical:",
				" ",
				t.typical.map((n, r) => /* @__PURE__ */ U("button", {
					type: "button",
					class: "link",
					onClick: () => e.onPlay(n),
					children: [
						"frame ",
						n + 1,
						r < t.typical.length - 1 ? "," : ""
					]
				}, n)),
				t.agreement != null && ` Why it is here: red is what sets frame ${t.typical[0] + 1} apart from the nearest other strategy, relevance or its lack; k-means puts ${H(t.agreement)} of these frames here too.`
			]
		})
	] });
}
var Gs = 280, Ks = 12;
function qs(e, t = Gs) {
	let n = e.filter((e) => e !== null), r = (e) => {
		let r = n.map((t) => t[e]), [i, a] = [Math.min(...r), Math.max(...r)];
		return (e) => Ks + (e - i) / (a - i || 1) * (t - 24);
	}, [i, a] = [r(0), r(1)];
	return e.map((e) => e && [i(e[0]), a(e[1])]);
}
function Js(e) {
	let { header: t, shown: n, current: r } = e, i = B(null), a = t.strategies, o = qs(a.points);
	z(() => {
		let e = i.current?.getContext("2d");
		if (!e) return;
		let t = devicePixelRatio;
		e.setTransform(t, 0, 0, t, 0, 0), e.clearRect(0, 0, Gs, Gs);
		let s = getComputedStyle(document.documentElement);
		for (let t of n) {
			let [n, i] = o[t];
			e.beginPath(), e.arc(n, i, t === r ? 6.5 : 4, 0, 2 * Math.PI), e.fillStyle = Ve(a.clusters[a.labels[t]]?.id ?? 0), e.fill(), e.lineWidth = t === r ? 2 : .75, e.strokeStyle = s.getPropertyValue(t === r ? "--ink" : "--card"), e.stroke();
		}
	}, [
		t,
		r,
		e.theme
	]);
	let s = (e) => {
		let t = i.current.getBoundingClientRect(), [r, a] = [e.clientX - t.left, e.clientY - t.top].map((e) => e * Gs / t.width), s = (e) => Math.hypot(o[e][0] - r, o[e][1] - a), c = n.reduce((e, t) => e === null || s(t) < s(e) ? t : e, null);
		return c !== null && s(c) < 24 ? c : null;
	}, c = (t) => {
		let i = {
			ArrowLeft: -1,
			ArrowUp: -1,
			ArrowRight: 1,
			ArrowDown: 1
		}[t.key];
		if (i) {
			let t = n[(n.indexOf(r) + i + n.length) % n.length];
			e.onHover(t ?? null);
		} else if (t.key === "Enter" || t.key === " ") e.onPick(r);
		else return;
		t.preventDefault(), t.stopPropagation();
	}, l = typeof devicePixelRatio == "number" ? devicePixelRatio : 1;
	return /* @__PURE__ */ U("canvas", {
		ref: i,
		class: "scatter",
		width: Gs * l,
		height: Gs * l,
		role: "listbox",
		tabIndex: 0,
		"aria-label": `Maps of ${n.length} frames on a plane, alike ones near each other; arrow keys move, Enter shows the frame`,
		onMouseMove: (t) => e.onHover(s(t)),
		onMouseLeave: () => e.onHover(null),
		onClick: (t) => {
			let n = s(t);
			n !== null && e.onPick(n);
		},
		onKeyDown: c
	});
}
function Ys(e) {
	return Object.keys(e.values).flatMap((e) => e.match(/^strategy\/cluster\/(\d+)$/)?.[1] ?? []).map(Number).sort((e, t) => e - t);
}
function Xs(e) {
	let { index: t, round: n } = e, r = Ys(t);
	if (!r.length) return null;
	let i = Object.assign({}, ...t.rounds.map((e) => e.strategies?.names ?? {})), a = r.map((e) => t.values[`strategy/cluster/${e}`]), o = Ze(a), s = r.map((e, t) => ({
		label: `${e}: ${i[e] ?? "?"}`,
		colour: Ve(e),
		filled: !0,
		values: o[t],
		said: a[t]
	}));
	return /* @__PURE__ */ U(y, { children: [/* @__PURE__ */ U("h3", { children: "Part of the frames over training" }), /* @__PURE__ */ U(ks, {
		label: "Part of the frames in each strategy over timesteps",
		timesteps: t.timesteps,
		series: s,
		height: 120,
		format: H,
		range: [0, 1],
		theme: e.theme,
		marked: n.timestep,
		onPick: (t) => e.change({ timestep: t })
	})] });
}
// src/timeline.tsx
function Zs(e) {
	let { view: t, change: n, index: r, round: i } = e, a = (t.frames === "probe" ? "probe_" : "") + (i.targets[e.target] ?? e.target);
	return /* @__PURE__ */ U(Lt, {
		id: "timeline",
		title: "Timeline",
		aside: /* @__PURE__ */ U(y, { children: [
			/* @__PURE__ */ U(Bt, {
				label: "Question",
				options: Object.keys(i.targets).map((e) => [e, ut(e)[0]]),
				value: e.target,
				onChange: (e) => n({ target: e })
			}),
			/* @__PURE__ */ U(Bt, {
				label: "Measure",
				options: [["share", "Share"], ["relative", "Relative"]],
				value: t.measure,
				onChange: (e) => n({ measure: e })
			}),
			/* @__PURE__ */ U(Bt, {
				label: "Frames",
				options: [["play", "Own play"], ["probe", "Fixed probe"]],
				value: t.frames,
				onChange: (e) => n({ frames: e })
			})
		] }),
		children: [
			/* @__PURE__ */ U($s, {
				...e,
				scope: a
			}),
			/* @__PURE__ */ U(ac, {
				...e,
				scope: a
			}),
			r.problems.map((e) => /* @__PURE__ */ U(W, {
				alert: !0,
				children: e
			}, e))
		]
	});
}
var Qs = "play/score_rate";
function $s(e) {
	let { view: t, index: n, round: r, scope: i } = e, a = t.measure === "share", o = a ? "share" : "relative", s = nc(n, r.elements, r.outside, i, o, a);
	if (!s.length) return /* @__PURE__ */ U(W, { children: rc(t.frames, n, i) });
	let c = ze([...r.elements, ...r.outside]), l = s.map((e) => n.values[`${i}/${o}/${e}`]), u = a ? Ze(l) : l, d = s.map((e, t) => ({
		label: e,
		colour: c[e],
		filled: a,
		values: u[t],
		said: l[t]
	})), f = n.values[Qs];
	return f && d.push({
		label: "score per 1,000 steps",
		colour: "var(--ink)",
		right: !0,
		width: 1.75,
		values: f
	}), /* @__PURE__ */ U(ks, {
		label: `${a ? "Share" : "Relative relevance"} of the elements over timesteps`,
		timesteps: n.timesteps,
		series: tc(d),
		height: 230,
		format: a ? H : ct,
		formatRight: ct,
		...a ? { range: [0, 1] } : {},
		theme: e.theme,
		marked: r.timestep,
		onPick: (t) => ec(e, t),
		flags: ic(n.events)
	});
}
function ec(e, t) {
	e.change({ timestep: t === e.index.timesteps[$e(e.index)] ? null : t });
}
function tc(e) {
	let t = getComputedStyle(document.documentElement).getPropertyValue("--ink").trim();
	return e.map((e) => e.colour === "var(--ink)" ? {
		...e,
		colour: t
	} : e);
}
function nc(e, t, n, r, i, a) {
	return (a ? t : [...t, ...n]).filter((t) => e.values[`${r}/${i}/${t}`]?.some((e) => e !== null));
}
function rc(e, t, n) {
	return e === "probe" ? "This run has no fixed probe: its rounds explain the agent's own play only." : t.values[`${n}/entropy`] ? "This game has no elements, so there are no shares; give the monitor elements of your own." : "No round here has explained this target.";
}
function ic(e) {
	let t = /* @__PURE__ */ new Map();
	for (let n of e) {
		let e = t.get(n.timestep), r = e ? `${e.title} · ${n.text}` : n.text;
		t.set(n.timestep, {
			timestep: n.timestep,
			title: r,
			kind: e?.kind ?? n.kind,
			count: (e?.count ?? 0) + 1
		});
	}
	return [...t.values()];
}
function ac(e) {
	let { view: t, change: n, scope: r } = e, i = [...e.indexes.values()], a = [...new Set(i.flatMap((e) => Object.keys(e.values)))], o = [
		`${r}/relative/${e.round.elements[0]}`,
		`${r}/entropy`,
		Qs
	], s = [
		t.curve,
		...o,
		...a
	].find((e) => a.includes(e));
	if (!s) return null;
	let c = tt(i), l = rt(i, s, c, t.fan), u = [], d = [];
	return l.forEach((e, t) => {
		let n = Ve(t);
		if (u.push({
			label: e.name,
			colour: n,
			values: e.mean
		}), e.runs.length > 1) {
			let t = (t) => ({
				label: e.name,
				colour: `${n}55`,
				width: .5,
				silent: !0,
				values: t
			});
			u.push(t(e.high), t(e.low)), d.push([
				u.length - 2,
				u.length - 1,
				`${n}33`
			]);
		}
	}), /* @__PURE__ */ U("div", {
		class: "beside",
		children: [/* @__PURE__ */ U("div", {
			class: "row",
			children: [/* @__PURE__ */ U(Vt, {
				label: "Curve",
				options: sc(a),
				value: s,
				onChange: (e) => n({ curve: e })
			}), i.length > 1 && /* @__PURE__ */ U("label", {
				class: "check",
				children: [/* @__PURE__ */ U("input", {
					type: "checkbox",
					checked: t.fan,
					onChange: (e) => n({ fan: e.currentTarget.checked })
				}), "Seeds as a fan"]
			})]
		}), /* @__PURE__ */ U(ks, {
			label: `${s} of ${i.length} runs over timesteps`,
			timesteps: c,
			series: u,
			fans: d,
			height: 150,
			format: ct,
			theme: e.theme,
			marked: e.round.timestep,
			onPick: (t) => ec(e, oc(e.index.timesteps, t))
		})]
	});
}
var oc = (e, t) => e.reduce((e, n) => Math.abs(n - t) < Math.abs(e - t) ? n : e, e[0] ?? t), sc = (e) => [...e].sort().map((e) => [e, e.replaceAll("/", " / ").replaceAll("_", " ")]), cc = 5e3;
function lc() {
	let [e, t] = xe(Et), n = we((e) => t((t) => ({
		...t,
		...e
	})), []);
	return z(() => {
		let t = setTimeout(() => Dt(e), 200);
		return () => clearTimeout(t);
	}, [e]), z(() => {
		let e = () => t(Et());
		return window.addEventListener("hashchange", e), () => window.removeEventListener("hashchange", e);
	}, []), [e, n];
}
function uc(e, t, n) {
	let [r, i] = xe(null), [a, o] = xe(/* @__PURE__ */ new Map()), [s, c] = xe(null), l = B(/* @__PURE__ */ new Map()), u = B(!1), d = r ? t(r) : [], f = async () => {
		if (!u.current) {
			u.current = !0;
			try {
				let r = await e.runs();
				i(r);
				for (let { name: i, stamp: a } of r) {
					if (!t(r).includes(i) || l.current.get(i) === a) continue;
					let s = await e.index(i);
					l.current.set(i, a), await n(s), o((e) => new Map(e).set(i, s));
				}
				c(null);
			} catch (e) {
				c(e.message);
			} finally {
				u.current = !1;
			}
		}
	};
	return Se(() => void f(), [d.join("\n")]), Nt(f, e.live ? cc : null), {
		runs: r,
		indexes: new Map(d.flatMap((e) => a.has(e) ? [[e, a.get(e)]] : [])),
		problem: s
	};
}
function dc(e) {
	let { source: t } = e, n = Mt(), [r, i] = lc(), a = we((e) => {
		let t = e.map((e) => e.name), n = t.includes(r.run) ? r.run : t[0], i = r.beside.includes("*") ? t : t.filter((e) => r.beside.includes(e)), a = t.includes(r.otherRun) ? [r.otherRun] : [];
		return [.../* @__PURE__ */ new Set([
			...n ? [n] : [],
			...i,
			...a
		])];
	}, [
		r.run,
		r.beside,
		r.otherRun
	]), o = B(!0), { runs: s, indexes: c, problem: l } = uc(t, a, async (e) => {
		let n = e.timesteps[fc(e, r)];
		if (!o.current || n === void 0) return;
		o.current = !1;
		let i = _t(t, e, r.part, n, 2).catch(() => {});
		await Promise.race([i, new Promise((e) => setTimeout(e, 100))]);
	}), u = [...c.values()].find((e) => e.run === r.run) ?? c.get(s?.[0]?.name ?? "");
	return /* @__PURE__ */ U("main", { children: [
		/* @__PURE__ */ U(vc, {
			runs: s ?? [],
			index: u,
			view: r,
			change: i,
			live: t.live
		}),
		l && /* @__PURE__ */ U(W, {
			alert: !0,
			children: [l, u ? " What is shown came before." : ""]
		}),
		r.run && s && !s.some((e) => e.name === r.run) && /* @__PURE__ */ U(W, {
			alert: !0,
			children: [
				"There is no run ",
				r.run,
				" here",
				s.length ? "; shown is the first one" : "",
				"."
			]
		}),
		/* @__PURE__ */ U(pc, {
			source: t,
			theme: n,
			view: r,
			change: i,
			runs: s,
			index: u,
			indexes: c,
			problem: l
		})
	] });
}
function fc(e, t) {
	return t.timestep === null ? $e(e) : Qe(e.timesteps, t.timestep);
}
function pc(e) {
	let { runs: t, index: n, view: r } = e;
	if (!t) return e.problem ? null : /* @__PURE__ */ U(W, { children: "Loading …" });
	if (!t.length) return /* @__PURE__ */ U(W, { children: "No run here has data for this page. A training with rlmonitor's StrategyMonitorCallback writes them beside its curves; a run of an older rlmonitor has curves and clips in the other tabs." });
	if (!n) return e.problem ? null : /* @__PURE__ */ U(W, { children: "Loading …" });
	let i = fc(n, r), a = n.rounds[i];
	if (!a) return /* @__PURE__ */ U(y, { children: [/* @__PURE__ */ U(W, { children: [
		"Run ",
		n.run,
		" has no whole round so far. The first one comes when its monitor has played and explained."
	] }), n.problems.map((e) => /* @__PURE__ */ U(W, {
		alert: !0,
		children: e
	}, e))] });
	let o = Object.keys(a.targets), s = o.includes(r.target) ? r.target : o.at(-1) ?? "";
	return /* @__PURE__ */ U(mc, {
		...e,
		runs: t,
		index: n,
		at: i,
		round: a,
		target: s
	});
}
function mc(e) {
	let { frame: t, ...n } = e.view, [r, i] = xe(!1), a = we(() => requestAnimationFrame(() => setTimeout(() => i(!0))), []), o = [
		e.source,
		e.change,
		e.index,
		e.runs,
		e.theme,
		JSON.stringify(n),
		[...e.indexes.values()].map(_c).join()
	], s = Ce(() => /* @__PURE__ */ U(Zs, { ...e }), o), c = Ce(() => r && /* @__PURE__ */ U(Bs, { ...e }), [
		...o,
		r,
		n.part === "play" && t
	]), l = Ce(() => r && /* @__PURE__ */ U(y, { children: [
		/* @__PURE__ */ U(Jt, { ...e }),
		/* @__PURE__ */ U(hn, { ...e }),
		/* @__PURE__ */ U(vn, { ...e }),
		/* @__PURE__ */ U(Sn, { ...e })
	] }), [...o, r]);
	return /* @__PURE__ */ U("div", {
		class: "grid",
		children: [
			s,
			/* @__PURE__ */ U(tn, {
				...e,
				settled: a
			}),
			c,
			l
		]
	});
}
var hc = /* @__PURE__ */ new WeakMap(), gc = 0;
function _c(e) {
	let t = hc.get(e) ?? ++gc;
	return hc.set(e, t), t;
}
function vc(e) {
	let { runs: t, index: n, view: r, change: i } = e;
	if (!n) return null;
	let a = fc(n, r), o = n.rounds[a], s = Object.keys(o?.targets ?? {}), c = s.includes(r.target) ? r.target : s.at(-1), l = c ? _n(n, a, c) : null, u = r.beside.includes("*"), d = (e, n) => {
		let a = u ? t.map((e) => e.name) : r.beside;
		i({ beside: n ? [...a, e] : a.filter((t) => t !== e) });
	};
	return /* @__PURE__ */ U("div", {
		class: "top",
		role: "banner",
		children: [
			/* @__PURE__ */ U("h1", { children: "Strategies" }),
			/* @__PURE__ */ U(Vt, {
				label: "Run",
				options: t.map(({ name: e }) => [e, e]),
				value: n.run,
				onChange: (e) => i({
					run: e,
					timestep: null
				})
			}),
			t.length > 1 && /* @__PURE__ */ U("details", {
				class: "menu",
				children: [/* @__PURE__ */ U("summary", { children: ["Beside it: ", u ? "all" : t.filter((e) => r.beside.includes(e.name) && e.name !== n.run).length] }), /* @__PURE__ */ U("div", { children: [/* @__PURE__ */ U("label", {
					class: "check",
					children: [
						/* @__PURE__ */ U("input", {
							type: "checkbox",
							checked: u,
							onChange: (e) => i({ beside: e.currentTarget.checked ? ["*"] : [] })
						}),
						"All ",
						t.length,
						" runs"
					]
				}), t.filter(({ name: e }) => e !== n.run).map(({ name: e }) => /* @__PURE__ */ U("label", {
					class: "check",
					children: [/* @__PURE__ */ U("input", {
						type: "checkbox",
						checked: u || r.beside.includes(e),
						onChange: (t) => d(e, t.currentTarget.checked)
					}), e]
				}, e))] })]
			}),
			/* @__PURE__ */ U("span", {
				class: "when",
				children: [o && /* @__PURE__ */ U(y, { children: ["t = ", /* @__PURE__ */ U("b", { children: V(o.timestep) })] }), e.live && (r.timestep === null ? /* @__PURE__ */ U("span", {
					class: "small",
					children: " · follows the latest pictures"
				}) : /* @__PURE__ */ U(y, { children: [" ", /* @__PURE__ */ U("button", {
					type: "button",
					onClick: () => i({ timestep: null }),
					children: "Latest"
				})] }))]
			}),
			l && c && /* @__PURE__ */ U("a", {
				class: "trust-link",
				href: "#trust",
				onClick: (e) => {
					e.preventDefault(), document.getElementById("trust")?.scrollIntoView();
				},
				children: [
					/* @__PURE__ */ U(mn, { light: l.light }),
					" ",
					/* @__PURE__ */ U("span", { children: [
						ut(c)[0],
						": ",
						l.sentence
					] })
				]
			})
		]
	});
}
// src/source.ts
async function yc(e, t = {}) {
	let n = new URLSearchParams(t).toString(), r;
	try {
		r = await fetch(n ? `${e}?${n}` : e);
	} catch {
		throw new at("TensorBoard does not answer. Is it still running?");
	}
	if (!r.ok) throw new at((await r.json().catch(() => null))?.error ?? `TensorBoard answers ${r.status} to ${e}.`);
	return r;
}
var bc = {
	live: !0,
	async runs() {
		return (await (await yc("runs")).json()).runs;
	},
	async index(e) {
		let t = await (await yc("run", { run: e })).json();
		return ot(t.format, `Run ${e}`), t;
	},
	async blob(e, t, n, r, i) {
		return new Uint8Array(await (await yc("part", {
			run: e,
			part: t,
			timestep: String(n),
			key: r,
			i: String(i)
		})).arrayBuffer());
	}
}, xc = (e, t, n) => JSON.stringify([
	e,
	t,
	n
]);
function Sc(e) {
	return {
		live: !1,
		async runs() {
			return e.runs;
		},
		async index(t) {
			let n = e.indexes[t];
			if (!n) throw new at(`This report has no run ${t}.`);
			return ot(n.format, `Run ${t}`), n;
		},
		async blob(t, n, r, i, a) {
			let o = e.parts[xc(t, n, r)]?.[a];
			if (o === void 0) throw new at(`This report has no ${n} of ${t} at timestep ${r}.`);
			return Uint8Array.from(atob(o), (e) => e.charCodeAt(0));
		}
	};
}
// src/style.css?inline
var Cc = ":root{--page:#f4f5f7;--card:#fff;--ink:#1c232b;--quiet:#5d6873;--grid:#e3e7eb;--line:#d5dae0;--accent:#1661c4;--raised:#eef1f4;--pro:#d8392b;--contra:#2b78d8;--green:#1b7f4d;--amber:#a86400;--red:#c4291c;--lightningcss-light:initial;--lightningcss-dark: ;color-scheme:light}:root[data-theme=dark]{--page:#14181d;--card:#1c2128;--ink:#e6eaef;--quiet:#98a3b0;--grid:#2b323b;--line:#39424d;--accent:#6fb0ff;--raised:#262d36;--pro:#ff6b5c;--contra:#5ba4ff;--green:#4cc38a;--amber:#f0b144;--red:#ff7b6e;--lightningcss-light: ;--lightningcss-dark:initial;color-scheme:dark}*{box-sizing:border-box}body{background:var(--page);color:var(--ink);margin:0;font:13px/1.45 system-ui,-apple-system,Segoe UI,Roboto,sans-serif}main{max-width:1480px;margin:0 auto;padding:0 12px 24px}h1{margin:0;font-size:15px}h2{margin:0;font-size:13.5px}h3{color:var(--quiet);margin:12px 0 2px;font-size:12px;font-weight:600}p{margin:4px 0}.small{color:var(--quiet);font-size:11.5px}.number{font-variant-numeric:tabular-nums;text-align:right;white-space:nowrap}.top{z-index:5;background:var(--page);flex-wrap:wrap;align-items:center;gap:6px 16px;padding:8px 2px;display:flex;position:sticky;top:0}.top .when{font-variant-numeric:tabular-nums}.trust-link{color:inherit;margin-left:auto;text-decoration:none}.trust-link:hover span:last-child{text-decoration:underline}.grid{grid-template-columns:repeat(12,minmax(0,1fr));gap:10px;display:grid}section{background:var(--card);border:1px solid var(--line);border-radius:6px;grid-column:span 12;min-width:0;padding:10px 12px;scroll-margin-top:48px}section>header{flex-wrap:wrap;align-items:center;gap:4px 16px;margin-bottom:8px;display:flex}section>header .aside{flex-wrap:wrap;align-items:center;gap:4px 14px;margin-left:auto;display:flex}#events,#trust{grid-column:span 6}@media (max-width:1000px){#events,#trust{grid-column:span 12}.trust-link{margin-left:0}}button,select,input{font:inherit;color:inherit}button{background:var(--raised);border:1px solid var(--line);cursor:pointer;border-radius:4px;min-height:26px;padding:2px 8px}button:hover{border-color:var(--quiet)}button.link{color:var(--accent);text-underline-offset:2px;font-variant-numeric:tabular-nums;background:0 0;border:0;min-height:0;padding:0 2px;text-decoration:underline}select{background:var(--card);border:1px solid var(--line);border-radius:4px;max-width:300px;min-height:26px;padding:2px 4px}:focus-visible{outline:2px solid var(--accent);outline-offset:1px}input[type=range],input[type=checkbox]{accent-color:var(--accent)}.choice{border:0;align-items:center;margin:0;padding:0;display:inline-flex}.choice legend{clip-path:inset(50%);width:1px;height:1px;position:absolute;overflow:hidden}.choice label{position:relative}.choice input{opacity:0;cursor:pointer;width:100%;height:100%;margin:0;position:absolute;inset:0}.choice span{border:1px solid var(--line);background:var(--card);white-space:nowrap;border-left-width:0;padding:2px 9px;line-height:20px;display:block}.choice label:first-of-type span{border-left-width:1px;border-radius:4px 0 0 4px}.choice label:last-of-type span{border-radius:0 4px 4px 0}.choice input:hover+span{background:var(--raised)}.choice input:checked+span{background:var(--accent);border-color:var(--accent);color:var(--card)}.choice input:focus-visible+span{outline:2px solid var(--accent);outline-offset:1px;z-index:1;position:relative}.select,.range,.check{align-items:center;gap:6px;display:inline-flex}.select>span,.range>span{color:var(--quiet)}.range input{flex:1;min-width:60px}.range output{font-variant-numeric:tabular-nums;text-align:right;min-width:4em}.menu{position:relative}.menu summary{cursor:pointer;border:1px solid var(--line);background:var(--card);border-radius:4px;padding:2px 8px;list-style-position:inside}.menu>div{z-index:6;background:var(--card);border:1px solid var(--line);white-space:nowrap;border-radius:6px;gap:4px;max-height:50vh;padding:8px 12px;display:grid;position:absolute;overflow:auto;box-shadow:0 6px 24px #0003}.note{background:var(--raised);border-left:3px solid var(--quiet);border-radius:3px;padding:6px 10px}.note[role=alert]{border-left-color:var(--amber)}.swatch{vertical-align:-1px;border-radius:2px;width:10px;height:10px;margin-right:5px;display:inline-block}.row{flex-wrap:wrap;align-items:center;gap:12px;margin-top:8px;display:flex}.chart{position:relative}.chart .u-over{cursor:pointer}.readout{font-variant-numeric:tabular-nums;min-height:1.5em;color:var(--quiet);flex-wrap:wrap;gap:0 14px;margin:0 0 0 48px;font-size:11.5px;display:flex}.readout b{color:var(--ink);font-weight:600}.readout>b{min-width:7.5em}.flags{height:22px;position:relative}.flag{min-width:20px;height:20px;min-height:0;color:var(--amber);background:var(--card);z-index:2;border-color:currentColor;padding:0 3px;font-size:11px;line-height:14px;position:absolute;bottom:-4px;transform:translate(-50%)}.flag:hover,.flag:focus-visible{z-index:3;background:var(--raised)}.flag.fault,.flag.collapse,.flag.exploit,.flag.memorised,.flag.shortcut{color:var(--red)}.flag.onset,.flag.new-strategy{color:var(--green)}.player,.pair{grid-template-columns:auto minmax(0,1fr);gap:16px;display:grid}.panels{border-radius:4px;gap:10px;display:flex}.panels figure{min-width:0;margin:0}figcaption{color:var(--quiet);max-width:320px;margin-top:3px;font-size:11.5px}figcaption b{color:var(--ink)}canvas.screen,.screen.empty{width:320px;max-width:100%;height:auto;image-rendering:pixelated;background:#000;border-radius:3px;display:block}.screen.empty{color:#bbb;text-align:center;place-items:center;min-height:120px;padding:8px;display:grid}.pair canvas.screen{width:220px}.pair figcaption{max-width:220px}.transport{align-items:center;gap:5px;margin-top:8px;display:flex}.transport .range{flex:1}.transport .play{width:40px}.caption{font-variant-numeric:tabular-nums;min-height:1.4em}.looks{border-bottom:1px solid var(--grid);flex-wrap:wrap;align-items:center;gap:7px 14px;margin-bottom:8px;padding-bottom:8px;display:flex}.looks .choice legend{clip-path:none;float:left;width:auto;height:auto;color:var(--quiet);margin-right:6px;padding:0;line-height:26px;position:static}.facts{min-width:0}@media (max-width:1000px){.player,.pair{grid-template-columns:minmax(0,1fr)}.player .stage{max-width:660px}}table.bars{border-collapse:collapse;width:100%;max-width:620px;margin:4px 0 10px;font-size:12px}table.bars caption{text-align:left;color:var(--quiet);padding-bottom:2px}table.bars th{text-align:left;white-space:nowrap;padding:1px 10px 1px 0;font-weight:400}table.bars thead th{color:var(--quiet);font-size:11.5px}.pair table.bars thead th{text-align:right}table.bars td{padding:1px 6px}tr.strong th,tr.strong td{font-weight:650}table.bars td:has(>.bar){width:30%}.bar{background:var(--raised);border-radius:2px;min-width:40px;height:11px;display:block;position:relative;overflow:hidden}.bar i,.bar b{position:absolute;top:0;bottom:0}.bar b{background:var(--quiet);width:1px}abbr{text-decoration:none}.clusters{grid-template-columns:auto auto minmax(220px,1fr);align-items:start;gap:16px;display:grid}.scatter{background:var(--raised);cursor:pointer;border-radius:4px;width:280px;max-width:100%;height:280px}.preview,.preview canvas.screen{width:200px}.cluster-list{gap:10px;max-height:480px;margin:0;padding:0;list-style:none;display:grid;overflow:auto}.stack-bar{border-radius:2px;max-width:420px;height:10px;margin:3px 0;display:flex;overflow:hidden}.stack-bar i{height:100%}.cluster-list .small{display:block}.cluster-maps{gap:10px;display:flex}.cluster-maps canvas.screen{width:100px;display:block}@media (max-width:760px){.clusters{grid-template-columns:auto auto}.cluster-list{grid-column:span 2}}@media (max-width:540px){.clusters{grid-template-columns:minmax(0,1fr)}.cluster-list{grid-column:auto}.panels{flex-wrap:wrap}}.events{max-height:420px;margin:0;padding:0;list-style:none;overflow:auto}.events li{border-top:1px solid var(--grid);grid-template-columns:6.5em 8.5em minmax(0,1fr);align-items:baseline;gap:8px;padding:5px 4px;display:grid}.events li:first-child{border-top:0}.events li.current{background:var(--raised)}.events button{justify-self:end}.kind{color:var(--amber);font-size:11.5px;font-weight:600}.kind.fault,.kind.collapse,.kind.exploit,.kind.memorised,.kind.shortcut{color:var(--red)}.kind.onset,.kind.new-strategy{color:var(--green)}.evidence{color:var(--quiet);flex-wrap:wrap;gap:0 14px;margin:2px 0 0;font-size:11.5px;display:flex}.evidence div{gap:4px;display:flex}.evidence dd{font-variant-numeric:tabular-nums;color:var(--ink);margin:0}.light{font-size:14px}.light.green{color:var(--green)}.light.amber{color:var(--amber)}.light.red{color:var(--red)}.light.grey{color:var(--quiet)}table.trust{max-width:none}table.trust th .small{white-space:normal;display:block}table.trust td,table.trust th{vertical-align:top}table.trust thead th{text-align:right;white-space:normal}.how{grid-template-columns:repeat(auto-fill,minmax(280px,1fr));gap:4px 20px;margin:0;display:grid}.how div{gap:8px;display:flex}.how dt{color:var(--quiet);white-space:nowrap}.how dd{overflow-wrap:anywhere;margin:0}.how div:last-child{grid-column:1/-1}@media print{:root{--lightningcss-light:initial;--lightningcss-dark: ;color-scheme:light;--page:#fff!important;--card:#fff!important;--ink:#000!important;--quiet:#444!important;--line:#bbb!important;--grid:#ddd!important;--raised:#f2f2f2!important}main{max-width:none;padding:0}.top{position:static}.transport,.looks,.menu,button:not(.link):not(.flag){display:none}.choice label:not(:has(:checked)){display:none}.choice span{font-weight:600;color:#000!important;background:0 0!important;border:0!important}section{break-inside:avoid;border:0;border-top:1px solid #bbb;border-radius:0}.events,.cluster-list{max-height:none;overflow:visible}.uplot,.uplot .u-wrap{width:100%!important;height:auto!important}.uplot canvas{position:static;width:100%!important;height:auto!important}.chart>[role=slider]{height:auto!important}.flags{break-after:avoid}canvas,.swatch,.bar i,.stack-bar i{-webkit-print-color-adjust:exact;-moz-print-color-adjust:exact;print-color-adjust:exact}}";
// src/main.tsx
function wc(e) {
	document.documentElement.lang = "en", document.title = "Strategies";
	let t = document.createElement("style");
	t.textContent = P + Cc, document.head.append(t);
	let n = document.createElement("div");
	document.body.append(n), N(/* @__PURE__ */ U(dc, { source: e }), n);
}
function Tc() {
	wc(bc);
}
var Ec = document.getElementById("rlmonitor-data");
Ec && wc(Sc(JSON.parse(Ec.textContent ?? "null")));
export { Tc as render };
