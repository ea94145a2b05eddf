package hr_test

import (
	"fmt"
	"reflect"
	"time"

	"postern.dev/postern"
)

// plain writes a value as JSON has it, and as a transcript is read: without what is
// zero, days and times as text, and writes without who makes them.
func plain(v any) any { return plainOf(reflect.ValueOf(v)) }

func plainOf(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case postern.Date:
		return x.String()
	case postern.LocalTime:
		return x.String()
	case time.Time:
		return x.UTC().Format(time.RFC3339Nano)
	case postern.Write:
		x.Actor, x.ClientID, x.RequestID = "", "", ""
		return plainStruct(reflect.ValueOf(x))
	}
	switch v.Kind() {
	case reflect.Struct:
		return plainStruct(v)
	case reflect.Pointer:
		if v.Elem().IsZero() {
			return map[string]any{"to": zeroOf(v.Elem())}
		}
		return plainOf(v.Elem())
	case reflect.Slice, reflect.Array:
		out := []any{}
		for i := range v.Len() {
			out = append(out, plainOf(v.Index(i)))
		}
		return out
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	case reflect.Float64:
		return v.Float()
	default:
		return float64(v.Int())
	}
}

// zeroOf tells a pointer to nothing from no pointer.
func zeroOf(v reflect.Value) any {
	if v.Kind() == reflect.Struct || v.Kind() == reflect.Slice {
		return nil
	}
	return plainOf(v)
}

func plainStruct(v reflect.Value) map[string]any {
	out := map[string]any{}
	for i := range v.NumField() {
		f, t := v.Field(i), v.Type().Field(i)
		switch {
		case f.IsZero():
		case t.Anonymous:
			for name, value := range plainOf(f).(map[string]any) {
				out[name] = value
			}
		default:
			out[t.Name] = plainOf(f)
		}
	}
	return out
}

// unplain reads what plain writes.
func unplain[T any](x any) (T, error) {
	var v T
	err := unplainTo(reflect.ValueOf(&v).Elem(), x)
	return v, err
}

func unplainTo(v reflect.Value, x any) error {
	if x == nil {
		return nil
	}
	if s, ok := x.(string); ok && s != "" {
		switch v.Interface().(type) {
		case postern.Date:
			d, err := postern.ParseDate(s)
			v.Set(reflect.ValueOf(d))
			return err
		case postern.LocalTime:
			l, err := postern.ParseLocalTime(s)
			v.Set(reflect.ValueOf(l))
			return err
		case time.Time:
			t, err := time.Parse(time.RFC3339Nano, s)
			v.Set(reflect.ValueOf(t.UTC()))
			return err
		}
	}
	switch x := x.(type) {
	case map[string]any:
		return unplainMap(v, x)
	case []any:
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.New(v.Type().Elem()))
			return unplainTo(v.Elem(), x)
		}
		if v.Kind() == reflect.Array {
			for i := range x {
				if err := unplainTo(v.Index(i), x[i]); err != nil {
					return err
				}
			}
			return nil
		}
		v.Set(reflect.MakeSlice(v.Type(), len(x), len(x)))
		for i := range x {
			if err := unplainTo(v.Index(i), x[i]); err != nil {
				return err
			}
		}
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return unplainTo(v.Elem(), x)
	}
	from := reflect.ValueOf(x)
	if from.Kind() == reflect.String && from.Len() == 0 {
		return nil
	}
	if !from.CanConvert(v.Type()) || (from.Kind() == reflect.String) != (v.Kind() == reflect.String) {
		return fmt.Errorf("%v is no %s", x, v.Type())
	}
	v.Set(from.Convert(v.Type()))
	return nil
}

func unplainMap(v reflect.Value, x map[string]any) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		if to, ok := x["to"]; ok {
			return unplainTo(v.Elem(), to)
		}
		return unplainMap(v.Elem(), x)
	}
	for name, value := range x {
		f := v.FieldByName(name)
		if !f.IsValid() {
			return fmt.Errorf("%s has no field %s", v.Type(), name)
		}
		if err := unplainTo(f, value); err != nil {
			return err
		}
	}
	return nil
}
